// What lies in the runtime folder between two runs, as the fuzzer takes it. In: bytes. Out: nothing, or an error that says what
// the reader did that it must not. What is damaged is nothing: it is never refused, and never taken for something else.

import { deepStrictEqual } from 'node:assert'
import { verdictIn } from '../../src/cli/device/verdicts.ts'
import { formatShortcut, parseShortcut } from '../../src/cli/session/shortcut.ts'
import { formatSession, parseSession } from '../../src/credentials/kept-session.ts'
import { jsonIn, stamped, stampedJson, unstamped } from '../../src/files/stamp.ts'
import { readIdentity } from '../../src/files/with-lock.ts'
import type { FuzzTarget } from './fuzzer.ts'

const json = ['{', '}', '[', ']', '"', ',', ':', 'null', '\\u0000', '"__proto__":', '"toString":1', '1e999', '\n']
const request = 'pkcs11:token=prod;object=aws\nAssumeRole\n3600'

const session = {
  request,
  credentials: {
    accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKE',
    sessionToken: 'FwoGZXIvYXdzEXAMPLE',
    expiration: new Date('2026-11-24T18:20:00.000Z'),
    accountId: '123456789012',
  },
  clockOffset: -350,
  lasts: 3_600_000,
  since: 4711.25,
}
const { accountId: _, ...withoutAccount } = session.credentials

const sessions: FuzzTarget = {
  name: 'kept sessions',
  files: ['src/credentials/kept-session.ts', 'src/files/stamp.ts'],
  seeds: [session, { ...session, credentials: withoutAccount }].flatMap((one) => {
    const whole = formatSession(one)
    return [Buffer.from(whole), Buffer.from(unstamped(whole) ?? '')]
  }),
  words: [...json, '"version":1', '"accountId":', '"expiration":', '"lasts":', '2026-13-01', '+275760-09-13'],
  run(input) {
    const text = input.toString('utf8')
    // A change shows by its stamp; with a stamp of its own, the text must be one that we write.
    for (const whole of [text, stamped(text)]) {
      const read = parseSession(whole, request)
      if (read === undefined) continue
      deepStrictEqual(formatSession(read), whole)
      deepStrictEqual(read.request, request)
    }
  },
}

const start = '[["credential-process","prod"],["HOME","/home/me"],"v20.19.0","1 2 33188 0 0 5 6 7"]'
const identity = { host: 'h', boot: 'b', namespace: 'pid:[1]', pid: 4711, started: '88' }
const refusal = {
  name: 'pkcs11:token=prod file:/run/pin',
  identity: '1 2 3 4',
  refusal: 'token "prod" refused the PIN',
}

const others: FuzzTarget = {
  name: 'shortcuts, refused PINs and locks',
  files: ['src/files/stamp.ts'],
  seeds: [
    formatShortcut({
      start,
      workingFolder: '',
      files: [
        ['/home/me/.aws/config', '1 2 3'],
        ['/', ''],
      ],
      request,
    }),
    JSON.stringify(refusal),
    JSON.stringify({ ...refusal, refusal: undefined }),
    stamped(JSON.stringify({ ...refusal, serviceCode: 'CKR_PIN_INCORRECT' })),
    JSON.stringify({ ...identity, turn: '1' }),
    JSON.stringify({ start, workingFolder: '', files: [null, ['\0', '']], request }),
  ].map((text) => Buffer.from(text)),
  words: [...json, '"files":', '"pid":', '-1', '"started":', '"refusal":', '[["/","1"]]'],
  run(input) {
    const text = input.toString('utf8')
    const shortcut = parseShortcut(text)
    if (shortcut !== undefined) {
      deepStrictEqual(parseShortcut(formatShortcut(shortcut)), shortcut)
      for (const [path, told] of shortcut.files) deepStrictEqual([path.includes('\0'), typeof told], [false, 'string'])
    }
    deepStrictEqual(Number.isSafeInteger(readIdentity(text)?.pid ?? 0), true)
    for (const value of [jsonIn(text), stampedJson(text)]) {
      const { name = '', refusal: words = '', serviceCode = '' } = verdictIn(value) ?? {}
      deepStrictEqual([typeof name, typeof words, typeof serviceCode], ['string', 'string', 'string'])
    }
  },
}

export const runtimeTargets: readonly FuzzTarget[] = [sessions, others]
