// What a person types, writes into a file or has a program print, as the fuzzer takes it. In: bytes. Out: nothing, or an error
// that says what the reader did that it must not. A PIN stands in no error, and what was read of one is wiped.

import { deepStrictEqual } from 'node:assert'
import { oneLine } from '../../src/cli/ask/program-output.ts'
import { typedBytes } from '../../src/cli/ask/typed-bytes.ts'
import { helperIn } from '../../src/cli/device/vault-token.ts'
import { hostScope } from '../../src/cli/request/host-scope.ts'
import { secondsOf } from '../../src/cli/settings/durations.ts'
import { checkedPin } from '../../src/key/pin-source.ts'
import * as rules from '../../src/sts/parameter-rules.ts'
import type { FuzzTarget } from './fuzzer.ts'
import { orRefused } from './or-refused.ts'

const pin = '1234567890-pin-of-a-person'
const texts = (...all: readonly string[]): readonly Buffer[] => all.map((text) => Buffer.from(text))

/** What comes of the keys, however they are cut into chunks. */
function typed(input: Buffer, raw: boolean, chunkBytes: number): string | undefined {
  const line = typedBytes(raw)
  const end = orRefused(() => {
    for (let at = 0; at < input.length; at += chunkBytes) {
      const outcome = line.take(input.subarray(at, at + chunkBytes))
      if (outcome !== 'more') return outcome
    }
    return 'more'
  }, pin)
  const answer = end === undefined ? undefined : `${end} ${Buffer.from(line.answer()).toString('hex')}`
  line.wipe()
  deepStrictEqual(line.answer().length, 0)
  return answer
}

const keys: FuzzTarget = {
  name: 'keys typed at a terminal',
  files: ['src/cli/ask/typed-bytes.ts'],
  seeds: texts(`${pin}\r`, `${pin.slice(0, 9)}\x7f\x08\x15\u00e9\x7f${pin}\n`, `\x1b[A\x1bOP\x1b[3~${pin}\x04`, '\x03'),
  words: ['\r', '\n', '\x7f', '\x08', '\x15', '\x17', '\x1b[', '\x1bO', '\x03', '\x04', '\xc3\xa9', 'x'.repeat(4096)],
  run(input) {
    for (const raw of [true, false]) {
      const whole = typed(input, raw, input.length + 1)
      const singly = typed(input, raw, 1)
      // What follows Enter in one paste is refused; key by key nobody waits for it.
      if (whole !== undefined) deepStrictEqual(singly, whole)
    }
  },
}

const lines: FuzzTarget = {
  name: 'PINs from files, and what programs print',
  files: ['src/key/pin-source.ts', 'src/cli/ask/program-output.ts'],
  seeds: texts(`${pin}\n`, pin, `${pin}\r\n`, '123456\n', `${pin}\nmore\n`),
  words: ['\n', '\r\n', '\0', '\r', pin, 'x'.repeat(300)],
  run(input) {
    const bytes = Uint8Array.from(input)
    const found = orRefused(() => checkedPin(bytes, 'PIN', 'a file'), pin)
    deepStrictEqual(
      bytes.some((byte) => byte !== 0),
      false,
      'what was read is not wiped',
    )
    if (found !== undefined) {
      const line = Buffer.from(found)
      deepStrictEqual([line.includes(10), line.includes(0), line.length > 0], [false, false, true])
      deepStrictEqual(input.subarray(0, line.length).equals(line), true)
    }
    const run = { title: 'program', program: 'p', words: [], environment: {}, hint: 'h' }
    const printed = orRefused(() => oneLine([input], run), pin)
    deepStrictEqual(printed === undefined || (printed.length > 0 && !printed.includes(10)), true)
  },
}

const settings: FuzzTarget = {
  name: 'policies, ARNs and other settings',
  files: [
    'src/sts/parameter-rules.ts',
    'src/cli/settings/durations.ts',
    'src/cli/request/host-scope.ts',
    'src/cli/device/vault-token.ts',
  ],
  seeds: texts(
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
    'arn:aws:iam::123456789012:role/path/reader',
    'arn:aws-cn:iam::123456789012:mfa/me',
    'bucket.s3.dualstack.eu-west-1.amazonaws.com:443',
    'x-ats.iot.us-east-1.amazonaws.com',
    'token_helper = "/usr/local/bin/helper"\n',
    '12h',
    '\n'.repeat(65_536),
  ),
  words: [
    'arn:',
    'aws',
    '::',
    'role/',
    '{',
    '}',
    '"token_helper"',
    '\n',
    ' ',
    '.amazonaws.com',
    '.vpce.',
    '99999',
    'd',
  ],
  run(input) {
    const text = input.toString('utf8')
    for (const rule of [rules.policy, rules.roleArn, rules.policyArn, rules.providerArn, rules.serialNumber]) {
      deepStrictEqual(orRefused(() => rule(text, 'setting')) ?? text, text)
    }
    for (const rule of [rules.externalId, rules.tagKey, rules.tagValue, rules.contextAssertion, rules.nameOf(64)]) {
      orRefused(() => rule(text, 'setting'))
    }
    deepStrictEqual(Number.isSafeInteger(secondsOf(text) ?? 0), true)
    const { service, region } = hostScope(text)
    deepStrictEqual(`${service ?? ''} ${region ?? ''}`.length <= text.length + 20, true)
    deepStrictEqual(helperIn(text)?.includes('\n') ?? false, false)
  },
}

export const personTargets: readonly FuzzTarget[] = [keys, lines, settings]
