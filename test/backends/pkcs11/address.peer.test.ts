// Which token and which key a URI means (B-020 to B-029, A7): one and only one, or a clear refusal.

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { pkcs11Lister } from '../../../src/backends/pkcs11/devices.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { peer } from '../../peers/peer.ts'
import { childrenLeft, day, dayAnswer, type Fixture, fixture, hex } from './fixture.ts'
import { writeKey } from './pkcs11-tool.ts'

let device: Fixture
let serials: readonly string[]

beforeAll(async () => {
  device = await fixture()
  await device.hsm.addToken('twin')
  await device.hsm.addToken('twin')
  serials = (await tokens('token=twin')).map(({ uri }) => uri.get('serial') ?? '')
  await device.importKey(device.uri('token=prod;object=seed;id=%01%00'))
})
afterAll(() => device.remove())
afterEach(() => {
  device.shim.order()
  expect(childrenLeft()).toEqual([])
})

async function tokens(path: string): ReturnType<ReturnType<typeof pkcs11Lister>['list']> {
  return await pkcs11Lister({ environment: device.shim.environment }).list(device.uri(path))
}

async function expectAnswer(uri: KeyUri): Promise<readonly string[]> {
  const key = await device.open(uri)
  try {
    expect(hex(await key.hmac(day))).toBe(dayAnswer)
    return key.info.warnings
  } finally {
    await key.close()
  }
}

it('lists the tokens of a module without a PIN, and leaves out the slot without a token', async () => {
  device.shim.forget()
  const all = await tokens('')
  expect(all.map(({ uri }) => uri.get('token')).sort()).toEqual(['prod', 'twin', 'twin'])
  expect(all.map(({ description }) => description).join()).toContain('SoftHSM v2')
  expect([device.shim.count('C_OpenSession'), device.shim.count('C_Login')]).toEqual([0, 0])
})

it('opens a key by label, by id, and by both', async () => {
  for (const path of ['object=seed', 'id=%01%00', 'object=seed;id=%01%00;type=secret-key']) {
    expect(await expectAnswer(device.uri(`token=prod;${path}`))).toEqual([])
  }
})

it('A7: opens what the older tools write: slot as an index, id as hexadecimal digits', async () => {
  const [listed] = await tokens('token=prod')
  const index = (await tokens('')).findIndex(({ uri }) => uri.get('token') === 'prod')
  const serial = listed?.uri.get('serial')
  const device7 = `model=SoftHSM%20v2;manufacturer=SoftHSM%20project;slot=${index};serial=${serial};token=prod`
  const warnings = await expectAnswer(device.uri(`${device7};object=seed;id=0100`))
  expect(warnings.join()).toMatch(/hexadecimal digits/)
})

it('reads an id as bytes where one key has these bytes', async () => {
  const made = await device.importKey(device.uri('token=prod;object=text').with({ path: { id: 'abcd!' } }))
  expect(await expectAnswer(device.uri('token=prod;id=abcd!'))).toEqual([])
  await made.remove()
})

it('refuses an id that is the bytes of one key and the hexadecimal digits of another', async () => {
  const removeText = await writeKey(device.hsm, { label: 'text', id: Buffer.from('0100') })
  const opening = device.open(device.uri('token=prod;id=0100'))
  await expect(opening).rejects.toMatchObject({ code: 'ERR_KEY_AMBIGUOUS' })
  await removeText()
})

it('F-P16: refuses several keys of one label, and opens each by its id', async () => {
  const removes = [
    await writeKey(device.hsm, { label: 'same', id: Buffer.of(0x0a) }),
    await writeKey(device.hsm, { label: 'same', id: Buffer.of(0x0b) }),
  ]
  await expect(device.open(device.uri('token=prod;object=same'))).rejects.toMatchObject({ code: 'ERR_KEY_AMBIGUOUS' })
  await expectAnswer(device.uri('token=prod;object=same;id=%0a'))
  for (const remove of removes) await remove()
})

it('refuses several tokens of one label, and opens one by its serial number', async () => {
  await expect(device.open(device.uri('token=twin;object=aws'))).rejects.toMatchObject({
    code: 'ERR_KEY_AMBIGUOUS',
    hint: expect.stringContaining(serials[0] ?? 'no serial'),
  })
  const uri = device.uri(`token=twin;serial=${serials[1]};object=aws`)
  const made = await device.importKey(uri)
  await expectAnswer(uri)
  await made.remove()
})

it('F-P11: finds a token by its slot number only where the URI names it', async () => {
  const slot = Number.parseInt(serials[0]?.slice(-8) ?? '', 16) & 0x7fff_ffff
  const uri = device.uri(`slot-id=${slot};object=aws`)
  const made = await device.importKey(uri)
  await expectAnswer(uri)
  expect(made.uri.has('slot-id')).toBe(false)
  await made.remove()
})

it.each([
  ['token=none;object=aws', 'token "none" is not there'],
  ['token=prod;serial=4711;object=aws', 'serial 4711'],
  ['token=prod;library-manufacturer=nobody;object=aws', 'is not there'],
])('says which token is not there (%s) and which are', async (path, message) => {
  await expect(device.open(device.uri(path))).rejects.toMatchObject({
    code: 'ERR_DEVICE_UNAVAILABLE',
    message: expect.stringContaining(message),
    hint: expect.stringContaining('token "prod"'),
  })
})

it('matches library and slot where the URI names them', async () => {
  const uri = 'library-manufacturer=SoftHSM;library-version=2.6;token=prod;object=aws'
  await expectAnswer(device.uri(uri))
})

it('F-P23: says in one line what is wrong with a file that is no module', async () => {
  for (const path of [import.meta.filename, process.execPath]) {
    const failure = await device.open(device.uri('token=prod;object=aws', path)).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'ERR_DEVICE_FAILED', message: expect.not.stringContaining('\n') })
  }
})

it('takes the module path from the path of the URI, where other tools write it', async () => {
  const { module } = device.shim
  await expectAnswer(KeyUri.parse(`pkcs11:token=prod;object=aws;module-path=${encodeURIComponent(module)}`))
})

it("opens a key through p11-kit's proxy, which exports no function but C_GetFunctionList", async () => {
  const { proxy } = await peer('p11kit')
  const listed = await pkcs11Lister({ environment: device.hsm.environment }).list(device.uri('token=prod', proxy))
  // Which modules the proxy joins is the machine's affair; Debian registers SoftHSM when it installs it.
  expect(listed.map(({ uri }) => uri.get('token'))).toEqual(['prod'])
  await expectAnswer(device.uri('token=prod;object=aws', proxy))
})
