// Bytes that pass, shown at a terminal and nowhere else. The service on loopback takes its time.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CheckedIn } from './checked-in.ts'
import { inTerminal } from './pty.ts'

// The first megabytes wait until well over the second after which something is shown.
const server = createServer((request, response) => {
  setTimeout(() => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-length': '3' }).write('a')
      setTimeout(() => response.end('b\n'), 1500)
    })
  }, 1500)
})
let there: CheckedIn
let words: string[]
beforeAll(async () => {
  there = await CheckedIn.make()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const file = there.home.write('upload.bin', Buffer.alloc(24 * 1_048_576))
  words = ['request', 'prod', 'PUT', `http://127.0.0.1:${port}/bucket/key`, '--service', 's3', '--body', `@${file}`]
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await there.remove()
})

it('are counted while a file is sent, and the whole is shown at the end', async () => {
  const ran = await inTerminal(there.home, words, [{ expect: 'hardkey: sent: ' }])
  expect(ran.terminal).toMatch(/\rhardkey: sent: [0-9.]+ of 24\.0 MiB/)
  expect(ran.terminal).toContain('hardkey: sent: 24.0 of 24.0 MiB\r\n')
  // The answer stands there itself.
  expect(ran.terminal).not.toContain('received')
  expect(ran.status).toBe(0)
})

it('are not counted where nobody looks', async () => {
  const { stdout, stderr, status } = await there.home.run(words)
  expect({ stdout, stderr, status }).toEqual({ stdout: 'ab\n', stderr: '', status: 0 })
})
