// The controls of the leak runs over commands: a program that shows its secret in every place that is searched, and requests that
// show one in every part. Each must be found. L-1, L-3, L-4, L-5.

import { describe, expect, it } from 'vitest'
import { leakCount } from './counts.ts'
import { isWrite, recorded } from './recorded.ts'
import { Scanner } from './scanner.ts'
import { Services, signInItems } from './services.ts'
import { contentOf, permanentItems, Situation } from './situation.ts'

describe('the search itself', () => {
  const count = leakCount('L-1, L-3, L-4: control, a program that shows its secret everywhere')
  it('L-1, L-3, L-4: finds a secret that is printed, passed on, written and left', async () => {
    const at = await Situation.make('keyset')
    const scanner = new Scanner(permanentItems(at.key.secretAccessKey))
    const ran = await recorded(['-e', careless], {
      environment: at.home.environment(),
      folder: at.home.folder,
      input: at.key.secretAccessKey,
      program: [process.execPath],
    })
    const places = {
      printed: [Buffer.from(ran.stdout)],
      started: ran.calls.filter(({ name }) => name === 'execve').map(({ bytes }) => bytes),
      looked: [...ran.commandLines, ...ran.childEnvironments],
      written: ran.calls.filter((call) => isWrite(call) && call.target.includes('left')).map(({ bytes }) => bytes),
      files: at.files().map(contentOf),
    }
    await at.remove()
    const hits = Object.values(places).map((all) => all.flatMap((bytes) => count.control(scanner, bytes)).length > 0)
    expect(hits).toEqual([true, true, true, true, true])
  })
})

const careless = `const fs = require('fs'), run = require('child_process').spawnSync
  const secret = fs.readFileSync(0, 'utf8')
  console.log(Buffer.from(secret).toString('base64'))
  run('sleep', ['2', secret.slice(4, 24)], { env: { LEAK: secret } })
  run('sleep', ['2'], { env: { LEAK: secret } })
  fs.writeFileSync('left', Buffer.from(secret).toString('hex'))`

describe('the search of the network', () => {
  const count = leakCount('L-5: control, requests that show a secret everywhere')
  it('L-5: finds one in the address, the headers and the body of a request, and in an answer', async () => {
    const services = await Services.start()
    const planted = services.first.secretAccessKey
    const scanner = new Scanner({ ...services.items(), ...signInItems })
    for (const url of [services.iamUrl, services.signIn.url]) {
      const headers = { 'user-agent': Buffer.from(planted).toString('hex') }
      const body = `x=${Buffer.from(planted).toString('base64url')}`
      await fetch(`${url}?x=${encodeURIComponent(planted)}`, { method: 'POST', headers, body }).then((got) =>
        got.text(),
      )
    }
    const exchanges = [...services.exchanges, ...services.signIns]
    await services.close()
    const found = exchanges.map(({ path, headers, body }) =>
      [path, JSON.stringify(headers), body].map((place) => count.control(scanner, place).length),
    )
    expect(found).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ])
    expect(count.control(scanner, `{"SigninToken":"${signInItems['token of the link']}"}`)).toHaveLength(1)
  })
})
