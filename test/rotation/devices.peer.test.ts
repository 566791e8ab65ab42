// The plain rotation in every kind of device, at versitygw: afterwards the old key signs nothing, the new one does, and the
// device holds one key.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { throwAwayKey } from '../cli/hardkey.ts'
import { contentOf } from '../leaks/situation.ts'
import { startVersitygw, type Versitygw } from '../peers/versitygw.ts'
import { AtGateway } from './at-gateway.ts'

let gateway: Versitygw
beforeAll(async () => {
  gateway = await startVersitygw()
})
afterAll(() => gateway?.stop())

describe.each(['token', 'keyset', 'TPM', 'service'] as const)('a key in a %s', (kind) => {
  let at: AtGateway
  beforeAll(async () => {
    at = await AtGateway.make(kind, gateway)
  })
  afterAll(() => at?.remove())

  it('F-R11: is never overwritten by an import of another one', async () => {
    const words = at.importWords('prod').map((word, index) => (index === 1 ? 'two' : word))
    const ran = await at.run(words, { input: throwAwayKey().secretAccessKey })
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('already') })
    expect(await at.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
  })

  it('is replaced by a new one, and the old one is switched off', async () => {
    expect(await at.run(['rotate', 'prod', '--yes', '--overlap', '0'])).toMatchObject({ status: 0 })
    expect(at.inRecord()).not.toBe(at.key.accessKeyId)
    expect(Object.fromEntries(await at.keys())).toEqual({ [at.key.accessKeyId]: false, [at.inRecord()]: true })
    expect(await at.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
  })

  it('is taken back, and rotated once more to the end', async () => {
    expect(await at.run(['rotate', 'prod', '--undo'])).toMatchObject({ status: 0 })
    expect([at.inRecord(), [...(await at.keys())]]).toEqual([at.key.accessKeyId, [[at.key.accessKeyId, true]]])
    const words = ['rotate', 'prod', '--yes', '--overlap', '0', '--grace', '0', '--json']
    expect(await at.run(words)).toMatchObject({ status: 0, stdout: expect.stringContaining('"state": "ended"') })
    expect([...(await at.keys())]).toEqual([[at.inRecord(), true]])
    expect(await at.run(['inspect', 'prod'])).toMatchObject({ status: 0 })
  })

  it('leaves no secret in any file', () => {
    const texts = at.situation.files().map((file) => Buffer.from(contentOf(file)).toString('latin1'))
    expect(at.secrets().length).toBe(3)
    expect(at.secrets().filter((secret) => texts.some((text) => text.includes(secret)))).toEqual([])
  })
})

it('lets a host with a narrow token use the new key before the record names it', async () => {
  const at = await AtGateway.make('service', gateway)
  try {
    const narrow = await at.situation.narrowToken('prod')
    const ran = await at.run(['rotate', 'prod', '--apply'])
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('active, to be switched off after') })
    const words = ['whoami', 'prod', '--pin-source', `file:${at.situation.source('narrow', narrow)}`]
    expect(await at.run(words)).toMatchObject({ status: 0 })
    expect([...(await at.keys()).values()]).toEqual([true, true])
  } finally {
    await at.remove()
  }
})

describe('F-R08: a user who may not switch keys off', () => {
  let at: AtGateway
  beforeAll(async () => {
    at = await AtGateway.make('token', gateway)
  })
  afterAll(() => at?.remove())

  it('is told which right is missing, and both keys work until there is', async () => {
    const deny = '{"Effect":"Deny","Action":"iam:UpdateAccessKey","Resource":"*"}'
    const allow = '{"Effect":"Allow","Action":"*","Resource":"*"}'
    await gateway.setPolicy(at.user, `{"Version":"2012-10-17","Statement":[${allow},${deny}]}`)
    const ran = await at.run(['rotate', 'prod', '--yes'])
    expect(ran).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/must allow iam:UpdateAccessKey; then hardkey/),
    })
    expect([...(await at.keys()).values()]).toEqual([true, true])
    expect(await at.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
    await gateway.setPolicy(at.user, `{"Version":"2012-10-17","Statement":[${allow}]}`)
    expect(await at.run(['rotate', 'prod', '--resume', '--grace', '0', '--yes'])).toMatchObject({ status: 0 })
    expect([...(await at.keys())]).toEqual([[at.inRecord(), true]])
  })

  it('F-R07: two rotations at once make one key', async () => {
    const words = ['rotate', 'prod', '--yes']
    const ran = await Promise.all([at.run(words), at.run(words)])
    expect(ran.map(({ status }) => status).sort()).toEqual([0, 1])
    expect(ran.find(({ status }) => status === 1)?.stderr).toMatch(
      /another rotation of "prod" is under way|is not over/,
    )
    expect([...(await at.keys()).values()].filter((isActive) => isActive)).toEqual([true])
  })
})
