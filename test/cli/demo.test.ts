// `hardkey demo`: short, whole, and without a trace.

import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandHome, type Ran } from './hardkey.ts'

const home = new CommandHome()
afterAll(() => home.remove())

/** Its temporary folder lies in the home folder, where a trace would be seen. */
const play = (...words: string[]): Promise<Ran> =>
  home.run(['demo', ...words], { environment: { TMPDIR: home.folder } })

describe('the demo', () => {
  let ran: Ran
  beforeAll(async () => {
    ran = await play()
  })

  it('ends well', () => {
    expect(ran.stderr).toBe('hardkey: next: hardkey import NAME --to embedded, or with a device from hardkey devices\n')
    expect(ran.status).toBe(0)
  })

  it('prints at most 40 lines', () => {
    expect(ran.stdout.split('\n').length - 1).toBeLessThanOrEqual(40)
  })

  it('shows each step of the signing chain with where it ran', () => {
    const places = Array.from(
      ran.stdout.matchAll(/^ {2}(host|device) +(canonical request|string to sign|\w+ += HMAC|signature {2}= HMAC)/gm),
      ([, where]) => where,
    )
    expect(places).toEqual(['host', 'host', 'device', 'host', 'host', 'host', 'host'])
  })

  it('uses a session of each kind', () => {
    for (const action of ['AssumeRole', 'GetSessionToken', 'GetFederationToken']) {
      expect(ran.stdout).toMatch(new RegExp(`${action} +ASIA\\w+… acts as arn:aws:`))
    }
  })

  it('shows a tampered request and a foreign date refused', () => {
    expect(ran.stdout).toMatch(/changed after signing +403 SignatureDoesNotMatch/)
    expect(ran.stdout).toMatch(/three days ahead +ERR_DATE_REFUSED, device not asked/)
  })

  it('leaves no trace', () => {
    expect(readdirSync(home.folder)).toEqual([])
  })
})

describe('the program of --then', () => {
  it('is told of the demo, and its lines become lines of the demo', async () => {
    const script = home.write(
      'then.mjs',
      `let told = ''
      for await (const text of process.stdin.setEncoding('utf8')) told += text
      const { request, region, secretAccessKey } = JSON.parse(told)
      console.log(request.method, region, secretAccessKey.length, process.env.AWS_PROFILE)`,
    )
    const { stdout, status } = await play('--then', script)
    expect(stdout).toContain('\n  POST us-east-1 40 demo\n')
    expect(status).toBe(0)
  })

  it('fails the demo when it fails', async () => {
    const { stderr, status } = await play('--then', home.write('fail.mjs', 'process.exit(3)'))
    expect(stderr).toContain('hardkey: error: the program of --then ended with 3')
    expect(status).toBe(1)
  })
})

describe('the demo that is interrupted', () => {
  it('leaves no trace either', async () => {
    const own = new CommandHome()
    const child = own.start(['demo'], { environment: { TMPDIR: own.folder } })
    await new Promise((begun) => child.stdout?.once('data', begun))
    child.kill('SIGTERM')
    const status = await new Promise((ended) => child.once('close', ended))
    expect(status).toBe(143)
    expect(readdirSync(own.folder)).toEqual([])
    own.remove()
  })
})
