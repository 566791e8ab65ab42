// The policies that `hardkey policy` prints, and the samples for CloudFormation and Terraform, by the linters that know
// what AWS takes. In: the built command, examples/aws-setup. What the linters see is shown by planted faults.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CheckedIn, role } from '../cli/checked-in.ts'
import { root } from '../laws/tree.ts'
import { builtEnvironment, peer } from '../peers/peer.ts'

const sample = (name: string) => readFileSync(join(root, 'examples', 'aws-setup', name), 'utf8')

let checkedIn: CheckedIn
beforeAll(async () => {
  checkedIn = await CheckedIn.make(['--role-arn', role])
})
afterAll(() => checkedIn?.remove())

const run = (command: string, words: readonly string[], input: string) =>
  spawnSync(command, words, {
    env: builtEnvironment({ HOME: checkedIn.home.folder }),
    cwd: checkedIn.home.folder,
    encoding: 'utf8',
    input,
  })

/** What the linter of IAM says. It knows no policy of a role or bucket, whose Principal stands where others have a Resource. */
async function judged(text: string): Promise<string> {
  const { parliament } = await peer('linters')
  const ofUser = text.replace(
    /"Principal": (?:\{[^}]*\}|"\*"),/,
    text.includes('"Resource"') ? '' : `"Resource": "${role}",`,
  )
  const said = run(parliament, [], ofUser).stdout.split('\n')
  // An action without objects has no signature of an age; the sample of AWS denies s3:* all the same.
  return said.filter((line) => !line.includes('Unknown condition s3:signatureAge')).join('\n')
}

it.each(['user', 'rotate', 'trust', 'revoke', 'bucket'])(
  'hardkey policy prod %s passes the linter of IAM',
  async (part) => {
    const { status, stdout } = await checkedIn.home.run(['policy', 'prod', part, '--bucket', 'reports'])
    expect(status).toBe(0)
    expect(await judged(stdout)).toBe('')
    expect(await judged(stdout.replace('"Effect": "', '"Effect": "Maybe'))).not.toBe('')
  },
)

it('the CloudFormation sample passes its linter, which sees a planted fault', async () => {
  const { 'cfn-lint': lint } = await peer('linters')
  const template = sample('cloudformation.yml')
  const of = (text: string) => run(lint, [checkedIn.home.write('sample.yml', text)], '')
  expect(of(template)).toMatchObject({ status: 0, stdout: '' })
  expect(of(template.replace('Role.Arn', 'Rolle.Arn')).status).not.toBe(0)
})

it('the Terraform sample is HCL that names what it uses', async () => {
  const { python } = await peer('linters')
  const read = 'import hcl2, json, sys; print(json.dumps(hcl2.loads(sys.stdin.read())))'
  const ran = run(python, ['-c', read], sample('main.tf'))
  expect(ran.stderr).toBe('')
  const resources = [...sample('main.tf').matchAll(/^resource "(\w+)" "(\w+)"/gm)].map(
    ([, type, name]) => `${type}.${name}`,
  )
  const used = [...sample('main.tf').matchAll(/\b(aws_iam_\w+\.\w+)\.(?:arn|id|name)\b/g)].map(([, name]) => name)
  expect(used.filter((name) => name !== undefined && !resources.includes(name))).toEqual([])
})

it('both samples allow the very actions that hardkey policy names', async () => {
  const { stdout } = await checkedIn.home.run(['policy', 'prod', 'rotate'])
  const actions: readonly string[] = JSON.parse(stdout).Statement[0].Action
  for (const name of ['cloudformation.yml', 'main.tf']) {
    expect(actions.filter((action) => !sample(name).includes(action))).toEqual([])
  }
})
