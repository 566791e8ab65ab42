// A key that was encrypted elsewhere comes to a token: to that one alone, whole or not at all, on two implementations. What is
// left in a token is listed by OpenSC's pkcs11-tool.

import { constants, createHmac, createPublicKey, publicEncrypt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BackendEntry } from '../../../src/backends/list.ts'
import { tokenAddress } from '../../../src/backends/pkcs11/address.ts'
import { pkcs11Backend } from '../../../src/backends/pkcs11/backend.ts'
import { pkcs11Importer } from '../../../src/backends/pkcs11/import.ts'
import { openToken, settingsOf } from '../../../src/backends/pkcs11/token-session.ts'
import { pkcs11Wrapping } from '../../../src/backends/pkcs11/wrapping.ts'
import type { WrappingKey } from '../../../src/key/hmac-key.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { changedFiles, fileFor, type Receiver, received, refusal, secretText } from '../../lifecycle/delivery.ts'
import { kryoptic } from '../../peers/kryoptic.ts'
import { softHsm, testPin } from '../../peers/softhsm.ts'
import { childrenLeft, day, hex, pins } from './fixture.ts'
import { tokenTool } from './pkcs11-tool.ts'

/** Two tokens of one kind. */
interface Kind {
  readonly module: string
  readonly environments: readonly [Readonly<Record<string, string>>, Readonly<Record<string, string>>]
  remove(): void
}

const makers: Readonly<Record<'SoftHSM' | 'kryoptic', () => Promise<Kind>>> = {
  SoftHSM: async () => {
    const hsm = await softHsm()
    await hsm.addToken('first')
    await hsm.addToken('second')
    return { module: hsm.module, environments: [hsm.environment, hsm.environment], remove: hsm.remove }
  },
  kryoptic: async () => {
    const [first, second] = [await kryoptic('first'), await kryoptic('second')]
    const remove = () => {
      first.remove()
      second.remove()
    }
    return { module: first.module, environments: [first.environment, second.environment], remove }
  },
}
const everyNth = process.env.TEST_LONG === '1' ? 1 : 97

describe.each([
  ['SoftHSM', 'rsa-oaep-sha1', true],
  ['kryoptic', 'rsa-oaep-sha256', false],
] as const)('%s', (name, kind, isModifiable) => {
  let tokens: Kind
  let wrappingKey: WrappingKey
  const pin = pins(testPin)
  const environment = (at: 0 | 1) => ({ environment: tokens.environments[at] })
  const uri = (at: 0 | 1, object?: string) => {
    const named = { token: at === 0 ? 'first' : 'second', ...(object === undefined ? {} : { object }) }
    return KeyUri.of('pkcs11', named, { 'module-path': tokens.module })
  }
  const keyOf = (at: 0 | 1, create: boolean) =>
    pkcs11Wrapping(environment(at)).wrappingKey(uri(at), { pin }, { create })
  const fileOf = () => fileFor(pkcs11Wrapping(), wrappingKey)
  const into = (at: 0 | 1, object: string): Receiver => {
    const entry: BackendEntry = {
      scheme: 'pkcs11',
      backend: async () => pkcs11Backend(environment(at)),
      importer: async () => pkcs11Importer(environment(at)),
      wrapping: async () => pkcs11Wrapping(environment(at)),
    }
    return { to: uri(at, object), entry, pin }
  }
  const secretKeys = async (at: 0 | 1): Promise<readonly string[]> => {
    const token = { module: tokens.module, environment: tokens.environments[at] }
    const said = await tokenTool(token, at === 0 ? 'first' : 'second', '--list-objects', '--type', 'secrkey')
    return [...said.matchAll(/label: +(\S+)/g)].map(([, label = '']) => label)
  }
  beforeAll(async () => {
    tokens = await makers[name]()
    wrappingKey = await keyOf(0, true)
    await keyOf(1, true)
  })
  afterAll(() => {
    tokens?.remove()
    expect(childrenLeft()).toEqual([])
  })

  it('makes a pair once, says how it encrypts, and keeps what it unwraps in', async () => {
    expect(wrappingKey).toMatchObject({ kind, warnings: [] })
    expect(await keyOf(0, false)).toEqual(wrappingKey)
    expect(await refusal(() => keyOf(0, true))).toBe('ERR_KEY_EXISTS')
  })

  it('opens a wrapped key as one that signs and nothing else, and answers as the secret does', async () => {
    const { info } = await received(await fileOf(), into(0, 'opened'))
    expect(info.attributes).toMatchObject({
      CKA_SENSITIVE: true,
      CKA_EXTRACTABLE: false,
      CKA_SIGN: true,
      CKA_DERIVE: false,
      CKA_WRAP: false,
      CKA_MODIFIABLE: isModifiable,
    })
    const key = await pkcs11Backend(environment(0)).open(uri(0, 'opened'), { pin })
    try {
      expect(hex(await key.hmac(day))).toBe(createHmac('sha256', `AWS4${secretText}`).update(day).digest('hex'))
    } finally {
      await key.close()
    }
  })

  it('refuses what was wrapped for another token', async () => {
    expect(await refusal(async () => received(await fileOf(), into(1, 'foreign')))).toBe('ERR_KEY_UNUSABLE')
    const { name: mine } = await keyOf(1, false)
    const forged = `${JSON.stringify({ ...JSON.parse((await fileOf()).toString()), name: mine }, null, 2)}\n`
    expect(await refusal(async () => received(Buffer.from(forged), into(1, 'forged')))).not.toBe('taken')
    expect(await secretKeys(1)).toEqual([])
  })

  it('refuses to unwrap into an object that shows its value', async () => {
    const padding = constants.RSA_PKCS1_OAEP_PADDING
    const publicKey = createPublicKey({ key: Buffer.from(wrappingKey.publicKey), format: 'der', type: 'spki' })
    const hash = kind === 'rsa-oaep-sha1' ? 'sha1' : 'sha256'
    const ciphertext = publicEncrypt({ key: publicKey, padding, oaepHash: hash }, Buffer.alloc(44, 1))
    const settings = settingsOf(environment(0))
    const wish = { uri: uri(0), address: tokenAddress(uri(0)), settings, context: { pin }, write: true }
    const { client } = await openToken(wish)
    try {
      await client.pairs(Buffer.from('hardkey wrapping key'), undefined)
      const template = { CKA_KEY_TYPE: 0x10, CKA_TOKEN: false, CKA_SENSITIVE: false, CKA_EXTRACTABLE: true }
      await expect(client.unwrap({ pair: 0, hash, template }, ciphertext)).rejects.toThrow(/CKR_TEMPLATE_INCONSISTENT/)
    } finally {
      await client.close()
    }
  })

  it('refuses a file of which any byte was changed, and keeps nothing of it', async () => {
    const before = await secretKeys(0)
    const taken: number[] = []
    for (const { at, changed } of changedFiles(await fileOf(), everyNth)) {
      if ((await refusal(() => received(changed, into(0, 'changed')))) === 'taken') taken.push(at)
    }
    expect(taken).toEqual([])
    expect(await secretKeys(0)).toEqual(before)
    // Long: a process of the module for each of a thousand bytes.
  }, 3_600_000)
})
