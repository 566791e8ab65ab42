// What becomes of the module's process, seen from outside: standard output stays clean (F-P21), and the process ends with
// its parent, however that ends (N7, F-W07).

import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { temporaryFolder } from '../../files/temporary-folder.ts'
import { dayAnswer, type Fixture, fixture } from './fixture.ts'
import { isRunning, startParent } from './parent.ts'

let device: Fixture

beforeAll(async () => {
  device = await fixture()
})
afterAll(() => device.remove())
beforeEach(() => {
  device.shim.order()
  device.shim.forget()
})

function start(body: string): ReturnType<typeof startParent> {
  return startParent(body, device.uri('token=prod;object=aws'), device.shim.environment)
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20))
}

it('F-P21: what a module prints reaches neither standard output nor standard error', async () => {
  device.shim.order('C_Initialize * print junk', 'C_Login * print junk', 'C_Sign * print junk')
  const parent = await start('process.stdout.write(hex(await key.hmac(day))); await key.close()')
  expect(await parent.ended).toEqual({ code: 0, signal: null })
  expect([parent.output(), parent.errors()]).toEqual([dayAnswer, ''])
})

it('F-D11: a program that has no file left to open gets an error, lives on, and opens the next time', async () => {
  const body = `
    import { closeSync, openSync } from 'node:fs'
    const open = () => pkcs11Backend().open(KeyUri.parse(process.env.KEY), { pin })
    const taken = []
    try { for (;;) taken.push(openSync('/dev/null')) } catch (error) { process.stdout.write(error.code) }
    const refusal = await open().catch((error) => error)
    await new Promise((resolve) => setTimeout(resolve, 100))
    for (const descriptor of taken) closeSync(descriptor)
    process.stdout.write(\` \${refusal.code} \${refusal.hint}\`)
    await (await open()).close()
    await key.close()`
  const parent = await start(body)
  expect(await parent.ended).toEqual({ code: 0, signal: null })
  expect(parent.output()).toBe('EMFILE ERR_DEVICE_FAILED too many files are open; see ulimit -n')
})

it('a program that forgets to close its key ends all the same, and the process of the module with it', async () => {
  const parent = await start('process.stdout.write(hex(await key.hmac(day)))')
  await until(() => parent.output() !== '' || parent.process.exitCode !== null)
  const children = parent.children()
  expect(await parent.ended).toEqual({ code: 0, signal: null })
  await until(() => !children.some(isRunning))
  expect(parent.output()).toBe(dayAnswer)
})

it.each([
  ['hangs in C_Sign', 'C_Sign * hang', 'C_Sign'],
  ['hangs in C_Login', 'C_Login * hang', 'C_Login'],
])('F-W07: the process ends when its parent is killed while the module %s', async (_what, order, name) => {
  device.shim.order(order)
  const parent = await start('await key.hmac(day)')
  await until(() => device.shim.count(name) > 0)
  const children = parent.children()
  expect(children).toHaveLength(1)
  parent.process.kill('SIGKILL')
  await parent.ended
  await until(() => !children.some(isRunning))
})

it('F-W07: the process ends when its parent is killed while nothing is asked of it, and gives the module back', async () => {
  const parent = await start(`await key.hmac(day); process.stdout.write('ready'); setInterval(() => {}, 1000)`)
  await until(() => parent.output() === 'ready')
  const children = parent.children()
  parent.process.kill('SIGKILL')
  await parent.ended
  await until(() => !children.some(isRunning))
})

it('a signal that is meant for the program does not end the process under it', async () => {
  const body = `
    const timer = setInterval(() => {}, 1000)
    process.once('SIGUSR2', async () => {
      process.stdout.write(hex(await key.hmac(day)))
      await key.close()
      clearInterval(timer)
    })
    process.stdout.write('ready ')`
  const parent = await start(body)
  await until(() => parent.output() === 'ready ')
  for (const pid of parent.children()) for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR1']) process.kill(pid, signal)
  parent.process.kill('SIGUSR2')
  await parent.ended
  expect(parent.output()).toBe(`ready ${dayAnswer}`)
  expect(device.shim.count('C_Login')).toBe(1)
})

it('names npm install koffi where koffi is not there, and the package where its file is not', async () => {
  const folder = temporaryFolder()
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'hardkey', exports: { './package.json': './package.json' } }),
  )
  const uri = device.uri('token=prod;object=aws')
  const bare = await startParent('', uri, device.shim.environment, folder)
  await bare.ended
  expect(bare.errors()).toMatch(/ERR_BACKEND_NOT_INSTALLED[\s\S]*as it was installed/)
  const child = join('dist', 'backends', 'pkcs11', 'child.cjs')
  cpSync(join(import.meta.dirname, '..', '..', '..', child), join(folder, child), { recursive: true })
  const withoutKoffi = await startParent('', uri, device.shim.environment, folder)
  await withoutKoffi.ended
  expect(withoutKoffi.errors()).toMatch(/ERR_BACKEND_NOT_INSTALLED[\s\S]*npm install koffi/)
})
