// Everything that crosses between hardkey and a TPM, in both directions, while secrets check in and are used: with and without
// an auth value, a PCR, a date rule, below each kind of parent. L-6. The control does the same as the seed's tools do, in clear.

import { createHmac, generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importAt } from '../backends/tpm2/opening.ts'
import { seedFiles, seedPassword, seedPcrExtension } from '../backends/tpm2/seed-files.ts'
import { day, dayAnswer, keyText } from '../backends/tpm2/tpm-with-key.ts'
import { CommandHome, type Ran, throwAwayKey } from '../cli/hardkey.ts'
import { startTpmProxy, type TpmProxy } from '../faults/tpm-proxy.ts'
import { withoutHmac } from '../faults/tpm-rules.ts'
import { LoopbackIam } from '../iam/loopback-iam.ts'
import { type Swtpm, startSwtpm } from '../peers/swtpm.ts'
import { tpm2Tools } from '../peers/tpm2-tools.ts'
import { leakCount } from './counts.ts'
import { type Items, Scanner } from './scanner.ts'

const key = throwAwayKey()
const authValue = 'canary-auth-value-7351'
const home = new CommandHome()
const count = leakCount('L-6 TPM bus')
let tpm: Swtpm
let proxy: TpmProxy
beforeAll(async () => {
  tpm = await startSwtpm('unix')
  proxy = await startTpmProxy(tpm)
})
afterAll(async () => {
  await proxy?.stop()
  await tpm?.stop()
  home.remove()
})

/** kDate of yesterday, today and tomorrow: a run may cross midnight. */
function days(): readonly string[] {
  return [-1, 0, 1].map((days_) =>
    new Date(Date.now() + days_ * 86_400_000).toISOString().slice(0, 10).replaceAll('-', ''),
  )
}

function items(): Items {
  const kDates = days().map((day) => [
    `kDate of ${day}`,
    createHmac('sha256', `AWS4${key.secretAccessKey}`).update(day).digest(),
  ])
  const checkValue = createHmac('sha256', `AWS4${key.secretAccessKey}`).update('hardkey check 1').digest()
  return {
    secret: Buffer.from(key.secretAccessKey),
    'AWS4 and the secret': Buffer.from(`AWS4${key.secretAccessKey}`),
    'auth value': Buffer.from(authValue),
    'HMAC of the check': checkValue,
    ...Object.fromEntries(kDates),
  }
}

async function run(words: readonly string[], input?: string): Promise<Ran> {
  const ran = await home.run(words, { environment: { TPM2TOOLS_TCTI: proxy.device }, input })
  if (ran.status !== 0) throw new Error(`${words.join(' ')}: ${ran.stderr}`)
  return ran
}

/** A secret, and what a TPM computes with it today. */
function itemsOf(label: string, secretAccessKey: string): Items {
  const kDates = days().map((day) => createHmac('sha256', `AWS4${secretAccessKey}`).update(day).digest())
  return {
    [label]: Buffer.from(secretAccessKey),
    ...Object.fromEntries(kDates.map((kDate, at) => [`kDate ${at} of ${label}`, kDate])),
  }
}

async function checkIn(name: string, to: string, ...more: readonly string[]): Promise<void> {
  const source = ['--access-key-id', key.accessKeyId, '--from', 'stdin', '--offline', '--region', 'eu-west-1']
  await run(['import', name, '--to', to, ...source, ...more], key.secretAccessKey)
}

async function use(name: string, ...more: readonly string[]): Promise<void> {
  await run(['inspect', name, ...more])
  await run(['presign', name, 'https://bucket.s3.eu-west-1.amazonaws.com/object', ...more])
}

/** What is found on the bus meanwhile. */
async function crossing(act: () => Promise<void>): Promise<readonly string[]> {
  proxy.forget()
  await act()
  expect(proxy.exchanges.length).toBeGreaterThan(3)
  return count.look(new Scanner(items()), proxy.bytes()).map(({ item, encoding }) => `${item} (${encoding})`)
}

describe('L-6: no secret, auth value or kDate crosses the bus', () => {
  it.each(['h2', 'rsa-srk', 'ecc-srk', 'rsa-ek', 'ecc-ek'])('of a key below %s', async (parent) => {
    expect(
      await crossing(async () => {
        await checkIn(`below-${parent}`, `tpm2:parent=${parent}`)
        await use(`below-${parent}`)
      }),
    ).toEqual([])
  })

  it('of a key with an auth value', async () => {
    const source = ['--pin-source', `file:${home.write('auth', authValue)}`]
    expect(
      await crossing(async () => {
        await checkIn('typed', 'tpm2', '--auth', ...source)
        await use('typed', ...source)
      }),
    ).toEqual([])
  })

  it('of a key bound to PCRs and an auth value', async () => {
    const source = ['--pin-source', `file:${home.write('auth', authValue)}`]
    expect(
      await crossing(async () => {
        await checkIn('bound', 'tpm2', '--auth', '--pcrs', 'sha256:7,23', ...source)
        await use('bound', ...source)
      }),
    ).toEqual([])
  })

  it('of a persistent key, until it is removed', async () => {
    expect(
      await crossing(async () => {
        await checkIn('kept', 'tpm2', '--persist', '0x81010400')
        await use('kept')
        await run(['forget', 'kept', '--from-device', '--yes'])
      }),
    ).toEqual([])
  })

  it('of a key with a date rule, whose dates cross in clear', async () => {
    const office = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const rule = home.write('office.pub', office.publicKey.export({ type: 'spki', format: 'pem' }))
    const officeKey = home.write('office.pem', office.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    expect(
      await crossing(async () => {
        await checkIn('ruled', 'tpm2', '--date-rule', rule)
        await run(['approve', 'ruled', '--office-key', officeKey, '--days', '3'])
        await use('ruled')
      }),
    ).toEqual([])
    // The date is no secret, and cpHash is taken over what is sent.
    expect(days().some((day) => proxy.bytes().includes(day))).toBe(true)
  })

  it.each(['h2', 'ecc-ek', 'rsa-ek'])('of a key that comes encrypted for its %s', async (parent) => {
    const words = ['--access-key-id', key.accessKeyId, '--from', 'stdin']
    const [wrappingKey, wrapped] = [`${parent}.json`, `${parent}.wrapped.json`]
    const found = await crossing(async () => {
      await run(['wrapping-key', `tpm2:parent=${parent}`, '--out', wrappingKey])
      await run(['wrap', '--for', wrappingKey, ...words, '--out', wrapped], key.secretAccessKey)
      await run([
        'import',
        `sent-${parent}`,
        '--to',
        'tpm2',
        '--wrapped',
        wrapped,
        '--offline',
        '--region',
        'eu-west-1',
      ])
      await use(`sent-${parent}`)
    })
    expect(found).toEqual([])
    expect(proxy.count('Import')).toBe(1)
  })

  it('of a key that is rotated, nor of the one in its place', async () => {
    const iam = await LoopbackIam.start()
    const { accessKeyId, secretAccessKey } = iam.addKey()
    const settings = ['--region', 'eu-west-1', '--endpoint-url', iam.url]
    proxy.forget()
    await run(
      ['import', 'turning', '--to', 'tpm2', '--access-key-id', accessKeyId, '--from', 'stdin', ...settings],
      secretAccessKey,
    )
    await run(['rotate', 'turning', '--yes', '--overlap', '0', '--grace', '0'])
    await iam.close()
    const [fresh = 'none was given'] = iam.given
    const scanner = new Scanner({ ...itemsOf('old secret', secretAccessKey), ...itemsOf('new secret', fresh) })
    expect(scanner.items.length).toBe(8)
    expect(count.look(scanner, proxy.bytes())).toEqual([])
    expect(proxy.exchanges.length).toBeGreaterThan(10)
  })

  it('of a key in a TPM without TPM2_HMAC', async () => {
    proxy.order(...withoutHmac())
    const found = await crossing(async () => {
      await checkIn('sequence', 'tpm2')
      await use('sequence')
    })
    proxy.order()
    expect(found).toEqual([])
    expect(proxy.count('SequenceComplete')).toBeGreaterThanOrEqual(1)
  })
})

describe('L-6: the control', () => {
  it('finds each where the tools of the seed do the same in clear', async () => {
    const tools = await tpm2Tools(proxy.device)
    await tools.run('pcrextend', seedPcrExtension)
    tools.remove()
    proxy.forget()
    const seed = await seedFiles({ ...tpm, socket: { host: '127.0.0.1', port: proxy.port } })
    await seed.use(seed.path('genkey-pcr-password.pem'), `pcr+password:${seedPassword}`)
    const its = {
      secret: Buffer.from(keyText.slice('AWS4'.length)),
      'AWS4 and the secret': Buffer.from(keyText),
      'auth value': Buffer.from(seedPassword),
      kDate: Buffer.from(dayAnswer, 'hex'),
    }
    const found = new Set(count.control(new Scanner(its), proxy.bytes()).map(({ item }) => item))
    expect([...found].sort()).toEqual(Object.keys(its).sort())
    seed.remove()
  })

  it('finds kDate where tpm2-tools ask for it', async () => {
    const tools = await tpm2Tools(proxy.device)
    tools.write('day', day)
    const kept = { path: { handle: '0x81010401' } }
    await importAt(proxy.device, kept)
    proxy.forget()
    await tools.run('hmac', '-c', kept.path.handle, '--hex', 'day')
    const hits = count.control(new Scanner({ kDate: Buffer.from(dayAnswer, 'hex') }), proxy.bytes())
    expect(hits.map(({ item }) => item)).toEqual(['kDate'])
    tools.remove()
  })
})
