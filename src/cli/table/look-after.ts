// The commands that look after a key, in the order of the overview: words, options, texts.
// In: nothing. Out: rows of the table.

import type { CommandSpec } from '../command.ts'
import {
  bodyFlags,
  jsonFlag,
  keyFlags,
  nameArgument,
  pinSourceFlag,
  profileFlag,
  strictFlag,
  targetFlags,
  urlArgument,
  yesFlag,
} from './flags.ts'

export const lookAfterCommands: readonly CommandSpec[] = Object.freeze([
  {
    name: 'explain',
    task: 'look after it',
    summary: 'what is signed for a request, and where a service signed something else',
    arguments: [nameArgument, { name: 'METHOD', help: 'GET, PUT, …' }, urlArgument],
    flags: [
      { name: 'answer', value: '@FILE', help: 'the body of a SignatureDoesNotMatch answer, to compare with' },
      { name: 'service', value: 'SERVICE', help: 'the service in the credential scope; known for amazonaws.com hosts' },
      { name: 'header', value: 'NAME:VALUE', many: true, help: 'a header of the request; may be repeated' },
      ...bodyFlags,
      ...targetFlags,
      profileFlag,
      ...keyFlags,
      jsonFlag,
    ],
    text: [
      'Asks no device, sends nothing and shows no signature. A presigned URL is explained as it is.',
      'Exit status 1 where the answer of the service was made over another text.',
    ],
    examples: [
      'hardkey explain prod GET https://s3.eu-west-1.amazonaws.com/bucket/notes.txt',
      'hardkey explain prod GET https://s3.eu-west-1.amazonaws.com/bucket/notes.txt --answer @refused.xml',
    ],
    load: async () => (await import('../commands/explain.ts')).explain,
  },
  {
    name: 'list',
    task: 'look after it',
    summary: 'the records, with protection and age',
    arguments: [],
    flags: [jsonFlag],
    text: [],
    examples: ['hardkey list'],
    load: async () => (await import('../commands/list.ts')).list,
  },
  {
    name: 'inspect',
    task: 'look after it',
    summary: 'what the device says of a key, and whether it is still the same',
    arguments: [{ name: 'NAME', help: 'a record (hardkey list)' }],
    flags: [pinSourceFlag, strictFlag, jsonFlag],
    text: ['Asks the device for the check value of the record; exit status 1 when it holds another key.'],
    examples: ['hardkey inspect prod'],
    load: async () => (await import('../commands/inspect.ts')).inspectKey,
  },
  {
    name: 'forget',
    task: 'look after it',
    summary: 'remove a record and its line in the AWS profile',
    arguments: [{ name: 'NAME', help: 'a record (hardkey list)' }],
    flags: [
      { name: 'from-device', help: 'destroy the key in the device too; asks first' },
      pinSourceFlag,
      yesFlag,
      jsonFlag,
    ],
    text: ['The access key itself lives on at AWS until it is deactivated there.'],
    examples: ['hardkey forget prod', 'hardkey forget prod --from-device'],
    load: async () => (await import('../commands/forget.ts')).forgetKey,
  },
  {
    name: 'approve',
    task: 'look after it',
    summary: 'approve days for a key with a date rule, where the office key is',
    arguments: [{ name: 'NAME', help: 'a record (hardkey list): the one of the device, or a copy of it' }],
    flags: [
      { name: 'office-key', value: 'FILE', help: 'the private office key (PEM: P-256 or RSA)' },
      { name: 'days', value: 'N', help: 'how many days from the first one on, 1 to 366; default 31' },
      { name: 'from', value: 'YYYY-MM-DD', help: 'the first day; default: today, in UTC' },
      { name: 'out', value: 'FILE', help: 'where the approvals go; default: beside the record' },
      pinSourceFlag,
      jsonFlag,
    ],
    text: [
      'Writes NAME.approvals.json; bring it to the device, beside the record. No TPM is asked and no secret is',
      'needed but the office key, which never comes near the device. Days approved before stay approved.',
    ],
    examples: [
      'hardkey approve edge --office-key office.pem --days 31',
      'hardkey approve edge --office-key office.pem --from 2027-01-01 --out edge.approvals.json',
    ],
    load: async () => (await import('../commands/approve.ts')).approveDays,
  },
] satisfies readonly CommandSpec[])
