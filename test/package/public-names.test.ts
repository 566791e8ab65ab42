// The public names are a promise: this snapshot changes only on purpose (vitest run -u), and is reviewed as such.

import { expect, it } from 'vitest'
import { commentAbove, publicNames } from './public-names.ts'

it('has the public names that were promised', async () => {
  const list = [...publicNames()].flatMap(([subpath, names]) => [
    subpath,
    ...names.map(({ name, isType }) => `  ${isType ? 'type ' : ''}${name}`),
  ])
  await expect(`${list.join('\n')}\n`).toMatchFileSnapshot('public-names.txt')
})

it('shows an example of every public function', () => {
  const functions = [...publicNames().values()].flat().map((name) => ({ name: name.name, comment: commentAbove(name) }))
  const without = functions.filter(({ comment }) => comment !== undefined && !comment.includes('```ts'))
  expect(without.map(({ name }) => name)).toEqual([])
})
