// The rule for workflows on those that there are, and on planted breaches.

import { expect, it } from 'vitest'
import { filesUnder, planted } from './tree.ts'
import { workflowBreaches } from './workflows.ts'

const least = 'on:\n  push:\npermissions:\n  contents: read\n'

it('S-09: gives workflows the least rights and nothing of third parties', () => {
  const workflows = filesUnder('.github/workflows')
  expect(workflows.length).toBeGreaterThan(0)
  expect(workflowBreaches(workflows)).toEqual([])
})

it.each([
  ['an action by its tag', `${least}steps:\n  - uses: actions/checkout@v4\n`],
  ['pull_request_target', `${least}on: pull_request_target\n`],
  ['a secret', `${least}env:\n  A: \${{ secrets.TOKEN }}\n`],
  ['a cache', `${least}with:\n  cache: npm\n`],
  ['the title of a pull request in a script', `${least}run: echo \${{ github.event.pull_request.title }}\n`],
  ['a right to write', `${least}jobs:\n  a:\n    permissions:\n      packages: write\n`],
  ['no permissions', 'on:\n  push:\n'],
  ['an identity without a second person', `${least}jobs:\n  a:\n    permissions:\n      id-token: write\n`],
])('S-09: sees a workflow with %s', (_, text) => {
  expect(workflowBreaches(planted('.github/workflows/a.yml', text))).toHaveLength(1)
})

it('S-09: lets an action be that is pinned by its commit', () => {
  const text = `${least}steps:\n  - uses: a/b@${'0'.repeat(40)}\n`
  expect(workflowBreaches(planted('.github/workflows/a.yml', text))).toEqual([])
})
