// Documents that are whole in HTTP and wrong as answers: F-H08 to F-H11. None gives credentials, none is asked
// for again, and the next call works. What each part of a document must be is in test/sts/answer.test.ts.

import { afterAll, describe, expect, it } from 'vitest'
import { deviceDateKeys } from '../../src/sigv4/date-key.ts'
import type { StsSession } from '../../src/sts/answer.ts'
import { stsClient } from '../../src/sts/client.ts'
import { countedKey } from '../sigv4/counted-key.ts'
import { errorXml } from '../sts/answers.ts'
import { answer, type Heard, type Script } from './bytes-server.ts'
import {
  accessKeyId,
  actionOf,
  goodSts,
  inSeconds,
  region,
  rightXml,
  role,
  session,
  sessionXml,
} from './network-answers.ts'
import {
  type Asker,
  CommandAsker,
  faultyServer,
  libraryClient,
  NetworkHome,
  throughFault,
  toldBy,
} from './network-bench.ts'

const home = new NetworkHome()
afterAll(() => home.remove())
const credentialProcess = new CommandAsker('credential-process', home)
const askers: readonly Asker[] = [libraryClient, credentialProcess]

const refused = /the answer (is not the XML|has|does not belong|gives|is for another)/

async function expectRefused(
  asker: Asker,
  change: (xml: string, heard: Heard) => string,
  says = refused,
): Promise<void> {
  const server = await faultyServer((heard) => [{ send: answer(200, change(rightXml(heard), heard)) }])
  const { outcome, requests } = await asker.through(server)
  expect(toldBy(outcome)).toMatch(says)
  expect(requests).toHaveLength(1)
}

/** Asks the library for a session once for each script, and then once of a server that works. */
async function expectFailures(count: number, script: Script): Promise<void> {
  const server = await faultyServer((heard) => (heard.index < count ? script(heard) : goodSts(heard)), {})
  const { key } = await countedKey()
  const keys = deviceDateKeys({ key, accessKeyId })
  const sts = stsClient({ keys, region, endpoint: server.url, maxAttempts: 1 })
  const act = async (): Promise<StsSession> => {
    for (let cut = 0; cut < count; cut += 1) {
      const part = await sts.getSessionToken().then(
        () => cut,
        () => undefined,
      )
      if (part !== undefined) throw new Error(`an answer that was cut after ${part} bytes gave credentials`)
    }
    return sts.getSessionToken()
  }
  await sts.getSessionToken()
  const isRight = ({ credentials }: StsSession): boolean => credentials.secretAccessKey === session.secretAccessKey
  const { outcome } = await throughFault(server, { act, isRight, again: () => sts.getSessionToken() })
  sts.close()
  expect(toldBy(outcome)).toBe('no failure')
}

describe('the library', () => {
  const whole = sessionXml('GetSessionToken').trimEnd()

  it('F-H08: a document that is cut at any byte gives no credentials', () =>
    expectFailures(whole.length, ({ index }) => [{ send: answer(200, whole.slice(0, index)) }]))

  it('F-H08: an answer whose connection ends at any byte gives no credentials', () => {
    const bytes = answer(200, whole)
    return expectFailures(bytes.length, ({ index }) => [{ send: bytes.slice(0, index) }, 'end'])
  })
})

describe('hardkey credential-process', () => {
  it.each(['<SecretAccessKey>canary', '</SecretAccessKey>', '</Credentials>', '</GetSessionTokenResponse'])(
    'F-H08: a document that ends behind %s prints nothing',
    (end) => expectRefused(credentialProcess, (xml) => xml.slice(0, xml.indexOf(end) + end.length)),
  )
})

describe('hardkey whoami', () => {
  it('F-H08: a document that ends behind the account prints nothing', () =>
    expectRefused(new CommandAsker('whoami', home), (xml) => xml.slice(0, xml.indexOf('</Account>') + 10)))
})

const otherForms: readonly (readonly [string, (xml: string, heard: Heard) => string])[] = [
  ['an error in a 200', () => errorXml('AccessDenied')],
  ['two access key IDs', (xml) => xml.replace(/<AccessKeyId>.*<.AccessKeyId>/, '$&$&')],
  ['another namespace', (xml) => xml.replace('sts.amazonaws.com', 'sts.example.net')],
  ['CDATA', (xml) => xml.replace(session.accessKeyId, `<![CDATA[${session.accessKeyId}]]>`)],
  ['an entity of its own', (xml) => `<!DOCTYPE a [<!ENTITY e "x">]>${xml.replace(session.accessKeyId, '&e;')}`],
  ['an entity that grows', (xml) => `<!DOCTYPE a [<!ENTITY e "${'&f;'.repeat(99)}">]>${xml}`],
  [
    'the document in itself',
    (xml) => xml.replace(/<(\w+Result)>.*<.\1>/, (result) => result.replace('>', `>${result}`)),
  ],
  ['an empty secret', (xml) => xml.replace(/(<SecretAccessKey>).*(<.SecretAccessKey>)/, '$1$2')],
  ['an empty body', () => ''],
]

const otherCalls: readonly (readonly [string, (xml: string, heard: Heard) => string])[] = [
  ['the answer to AssumeRole', () => sessionXml('AssumeRole')],
  ['the answer to GetCallerIdentity', (_, heard) => rightXml({ ...heard, text: '\r\n\r\nAction=GetCallerIdentity' })],
]

const otherEnds: readonly (readonly [string, string])[] = [
  ['36 h and 6 min ahead', inSeconds(36 * 3600 + 360)],
  ['past', inSeconds(-1)],
  ['in the year 9999', '9999-12-31T23:59:59Z'],
  ['not in ISO form', 'Tue Nov 24 2026'],
  ['empty', ''],
]

describe.each(askers)('$name', (asker) => {
  it.each(asker.of(otherForms))('F-H09: %s is refused', (_, change) => expectRefused(asker, change))

  it.each(asker.of(otherCalls))('F-H10: %s is refused', (_, change) => expectRefused(asker, change))

  it.each(asker.of(otherEnds))('F-H11: an end of the session that is %s is refused', (_, expiration) =>
    expectRefused(asker, (_xml, heard) => sessionXml(actionOf(heard), { expiration })),
  )

  it('F-H11: a session without an end is refused', () =>
    expectRefused(asker, (xml) => xml.replace(/<Expiration>.*<.Expiration>/, ''), /has no Expiration/))
})

describe('hardkey credential-process for a role', () => {
  const asRole = ['--role-arn', role, '--role-session-name', 'nightly']

  it.each(['assumed-role/writer/nightly', 'assumed-role/reader/other', 'federated-user/nightly'])(
    'F-H10: a session of %s is refused where another was asked for',
    async (resource) => {
      const server = await faultyServer((heard) => [
        { send: answer(200, rightXml(heard).replace('assumed-role/reader/nightly', resource)) },
      ])
      const { outcome } = await credentialProcess.through(server, asRole)
      expect(toldBy(outcome)).toMatch(/the answer is for another AssumedRoleUser than was asked for/)
    },
  )

  it('F-H11: a session of a role that lasts six minutes longer than asked for is refused', async () => {
    const late = inSeconds(3600 + 360)
    const server = await faultyServer((heard) => [
      { send: answer(200, rightXml(heard).replace(/(<Expiration>).*(<.Expiration>)/, `$1${late}$2`)) },
    ])
    const { outcome } = await credentialProcess.through(server, [...asRole, '--duration', '1h'])
    expect(toldBy(outcome)).toMatch(/for longer than the 3600 s that were asked for/)
  })
})
