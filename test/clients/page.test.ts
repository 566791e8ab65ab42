// docs/clients.md, which npm test writes: a cell for each client and each way and trap, none of them empty; and how it is
// written from a tally, on planted ones.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../laws/tree.ts'
import * as matrix from './matrix.ts'

interface Run {
  readonly tally: {
    readonly passed: readonly string[]
    readonly failed: readonly string[]
    readonly told: Readonly<Record<string, string>>
  }
  readonly date: string
  version(peer: string): string
  readonly before: string
}

// A path in a variable, since the script is JavaScript, which plain Node reads. The shape is that of its comments.
const script = '../../scripts/clients.mjs'
const { clientsPage } = (await import(script)) as { clientsPage(matrix: object, run: Run): string }

const [first] = matrix.clients
const file = 'test/clients/matrix.peer.test.ts'
const served = `${file} > ${first?.name} > ${matrix.testOfWay('serve')}`
const noTally = { passed: [], failed: [], told: {} }
const nothing = { tally: noTally, date: '2026-01-02', version: () => '1.2.3', before: '' }

/** The lines of every table, cell by cell. */
function rowsOf(page: string): string[][] {
  const lines = page.split('\n').filter((line) => line.startsWith('| '))
  return lines.map((line) => line.slice(2, -2).split(' | '))
}

/** The clients that have a line in both tables, and all of whose cells tell something. */
function complete(page: string): readonly string[] {
  const widths = [matrix.ways.length + 4, matrix.traps.length + 1]
  const rows = rowsOf(page)
  return matrix.clients
    .map(({ name }) => name)
    .filter((name) => {
      const own = rows.filter(([client]) => client === name)
      const isFull = own.every((row) => row.every((cell) => cell.trim() !== ''))
      return isFull && own.map((row) => row.length).join() === widths.join()
    })
}

it('has each client on each way and in each trap, and no empty cell', () => {
  const page = readFileSync(join(root, 'docs', 'clients.md'), 'utf8')
  expect(complete(page)).toEqual(matrix.clients.map(({ name }) => name))
})

it('sees a cell that is empty, and a client that is not there', () => {
  const page = clientsPage(matrix, nothing)
  expect(complete(page.replace('| not run |', '|  |'))).toHaveLength(matrix.clients.length - 1)
  expect(complete(page.replaceAll('boto3', 'boto4'))).toHaveLength(matrix.clients.length - 1)
})

it('tells of a client what its tests told', () => {
  const passes = clientsPage(matrix, {
    ...nothing,
    tally: { ...noTally, passed: [served], told: { [served]: 'no: why' } },
  })
  expect(rowsOf(passes)[2]?.slice(0, 5)).toEqual([first?.name, '1.2.3', '2026-01-02', 'not run', 'no: why'])
  const fails = clientsPage(matrix, { ...nothing, tally: { ...noTally, failed: [served] } })
  expect(rowsOf(fails)[2]?.[4]).toBe('failed')
})

it('keeps version, date and cells of a client that did not run', () => {
  const before = clientsPage(matrix, { ...nothing, tally: { ...noTally, passed: [served] } })
  expect(clientsPage(matrix, { ...nothing, date: '2027-01-01', before })).toBe(before)
})
