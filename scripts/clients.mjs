#!/usr/bin/env node
// Writes docs/clients.md. In: the clients, ways and traps of test/clients/matrix.ts, the tally that the last `npm test` left in
// .peers/, and the page as it is. Out: a cell for each client and each way or trap; a cell whose test did not run keeps
// its text. Status 1 where there is no tally to read.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readMarker } from './peer-recipes.mjs'
import { cells, day, importTypeScript, readTally } from './reliability.mjs'

const page = join(resolve(import.meta.dirname, '..'), 'docs', 'clients.md')

/** @returns the counts in one line */
export async function writeClients() {
  const matrix = await importTypeScript('test/clients/matrix.ts')
  const tally = readTally('peers')
  const text = clientsPage(matrix, {
    tally,
    date: day(tally.date),
    version: (name) => readMarker(name)?.version ?? 'not here',
    before: existsSync(page) ? readFileSync(page, 'utf8') : '',
  })
  writeFileSync(page, text)
  return `${matrix.clients.length} clients on ${matrix.ways.length} ways: docs/clients.md`
}

/** @returns the text of the page; `before`: its last text, `version`: of a peer, by its name */
export function clientsPage(matrix, run) {
  const found = matrix.clients.map((client) => ({ name: client.name, cells: cellsOf(client, matrix, run) }))
  const table = (columns) => {
    const lines = found.map((client) => cells(client.name, ...columns.map((column) => client.cells[column])))
    return [cells('client', ...columns), cells('-', ...columns.map(() => '-')), ...lines].join('\n')
  }
  const isLong = matrix.clients.filter((client) => client.isLong)
  const moto = /moto\S*==(\S+)/.exec(run.version('python'))?.[1] ?? 'not here'
  return `# Clients

Written by \`npm test\`; not edited by hand. Each client asks moto ${moto}, with authentication on, who it is. "works": it is the
assumed role, and every request is signed by a session that hardkey has got. The last ${isLong.length} clients run with
\`npm run test:long\` alone.

## Ways

${table(['version', 'run of', ...matrix.ways, outlives])}

On every way but credential_process the client's shell has a key in AWS_ACCESS_KEY_ID, AWS_PROFILE, a token file, a relative URI
and HTTP_PROXY set, and with \`exec --isolate-config\` a key in \`[default]\` too: hardkey takes all of it away.
"${outlives}": it asks \`serve\` for 17 minutes, while each session lasts 15.

## Traps

What a client does by itself where its environment holds more than the address and the token of \`serve\`.

${table(matrix.traps)}

- The key, or the profile, wins: the client signs with it, and says nothing. \`exec\` refuses such a \`[default]\` without
  \`--isolate-config\`; the lines of \`serve\` cannot see it.
- A newline in the token file: hardkey writes none. A file that an editor saved has one.
- HTTP_PROXY asked: the request for credentials goes to the proxy. \`exec\` and the lines of \`serve\` put 127.0.0.1 into
  NO_PROXY and no_proxy.
- boto3 and both AWS CLIs take credentials of a metadata service with less than 25 minutes left for good beyond their end:
  \`serve --imds\` gives none of these while a new session can be had, never one with less than 11 minutes left (they ask
  again within ten), and refuses sessions under an hour.
`
}

const outlives = 'outlives a session'

/** By column. */
function cellsOf(client, { ways, traps, testOfWay, testOfTrap, testOfOutliving }, run) {
  const before = cellsBefore(run.before, client.name)
  const tests = [
    ...ways.map((way) => [way, `matrix.peer.test.ts > ${client.name} > ${testOfWay(way)}`]),
    ...traps.map((trap) => [trap, `traps.peer.test.ts > ${client.name} > ${testOfTrap(trap)}`]),
    [outlives, `matrix.peer.test.ts > ${testOfOutliving(client)}`],
  ]
  const found = Object.fromEntries(tests.map(([column, test]) => [column, toldBy(test, run)]))
  if (client.endsAtOnce) found[outlives] = 'no: it ends after its work'
  const hasRun = ways.some((way) => found[way] !== undefined)
  const facts = hasRun ? { version: versionOf(client, run), 'run of': run.date } : {}
  const columns = Object.entries({ version: undefined, 'run of': undefined, ...found, ...facts })
  return Object.fromEntries(columns.map(([column, text]) => [column, text ?? before[column] ?? 'not run']))
}

/** What a test told, "failed", or undefined where it did not run. */
function toldBy(test, { tally }) {
  const name = `test/clients/${test}`
  if (tally.failed.includes(name)) return 'failed'
  return tally.passed.includes(name) ? (tally.told[name] ?? 'works') : undefined
}

function versionOf({ peer, versionAfter = '' }, run) {
  const all = run.version(peer)
  return all.slice(all.indexOf(versionAfter) + versionAfter.length).split(' ')[0]
}

/** What the page had for a client, by column. */
function cellsBefore(text, name) {
  const rows = text.split('\n').map((line) => (line.startsWith('| ') ? line.slice(2, -2).split(' | ') : []))
  const heads = rows.filter((row) => row[0] === 'client')
  const own = rows.filter((row) => row[0] === name)
  return Object.fromEntries(own.flatMap((row, table) => row.map((cell, index) => [heads[table]?.[index], cell])))
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    process.stdout.write(`${await writeClients()}\n`)
  } catch (error) {
    process.stderr.write(`clients: ${error.message}\n`)
    process.exitCode = 1
  }
}
