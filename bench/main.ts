// Every figure in one Markdown table. In: as arguments the groups to measure, all by default. Out: the table on standard
// output, with the machine and the versions; a group that cannot run is named with its reason, and the status is 1.

import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { callerTokenRows } from './caller-token.ts'
import { coldStartRows } from './cold-start.ts'
import { deviceRows } from './device.ts'
import { endpointRows } from './endpoint.ts'
import { growthRows } from './growth.ts'
import type { Row } from './measure.ts'
import { payloadRows } from './payload.ts'
import { serviceRows } from './services.ts'
import { presignRows, signingRows } from './signing.ts'
import { uploadRows } from './upload.ts'

const groups: Readonly<Record<string, () => Promise<Row[]>>> = {
  sign: () => signingRows({ rounds: 15, milliseconds: 120 }),
  presign: () => presignRows({ rounds: 15, milliseconds: 120 }),
  growth: () => growthRows({ rounds: 5, milliseconds: 100 }),
  payload: () => payloadRows(),
  upload: () => uploadRows(),
  device: () => deviceRows({ rounds: 9, milliseconds: 200 }),
  start: () => coldStartRows({ rounds: 9, milliseconds: 300 }),
  endpoint: () => endpointRows({ rounds: 9, milliseconds: 300 }),
  token: () => Promise.resolve(callerTokenRows(1_000_000)),
  services: () => serviceRows({ rounds: 9, milliseconds: 300 }),
}

const compared = ['aws4', '@smithy/signature-v4', 'aws4fetch', 'tinybench']

const asked = process.argv.slice(2)
for (const name of asked) {
  if (!Object.hasOwn(groups, name)) throw new Error(`no group "${name}"; there are ${Object.keys(groups).join(', ')}`)
}
const rows: Row[] = []
for (const [name, measure] of Object.entries(groups)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  process.stderr.write(`bench: ${name}\n`)
  try {
    rows.push(...(await measure()))
  } catch (error) {
    process.exitCode = 1
    rows.push({
      what: name,
      ours: 'not run',
      compared: error instanceof Error ? error.message : String(error),
      target: '',
    })
  }
}
console.log(`${machine()}\n\n| what | hardkey | compared with | at least (aim) |\n| --- | --- | --- | --- |`)
for (const { what, ours, compared: against, target } of rows)
  console.log(`| ${what} | ${ours} | ${against} | ${target} |`)

function machine(): string {
  const processors = cpus()
  const versions = compared.map((name) => `${name} ${versionOf(name)}`).join(', ')
  return `${processors.length} × ${processors[0]?.model.trim()}, ${process.platform}, Node ${process.version.slice(1)}; ${versions}`
}

function versionOf(name: string): string {
  return JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version
}
