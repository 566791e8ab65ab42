// The steps of a key's later life, and of the ways to give its credentials to programs. In: the situation, and the services
// around. Out: the words of each command. What a client does while `serve` runs is done here too.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Planned, withoutChildren } from './commands.ts'
import type { Services } from './services.ts'
import { role, type Situation } from './situation.ts'

/** A program that takes credentials from the endpoint, and shows none. */
const client = `fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, {
  headers: { authorization: process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN },
}).then(async (answer) => { process.exitCode = (await answer.json()).SecretAccessKey.length === 40 ? 0 : 3 })`

/** `serve` writes the token of its endpoint there. */
export const tokenFile = (at: Situation): string => join(at.runtime, 'token')

/** By every way that a program can take credentials. */
export function deliverySteps(at: Situation, { signIn }: Services): readonly Planned[] {
  const link = ['--role-arn', role, '--print', '--signin-endpoint', signIn.url]
  return [
    { step: 'session', words: ['credential-process', 'prod'], gives: 'session' },
    { step: 'session of a role', words: ['credential-process', 'prod', '--role-arn', role], gives: 'session' },
    { step: 'export', words: ['export', 'prod', '--format', 'env'], gives: 'session' },
    { step: 'exec', words: ['exec', 'prod', '--', process.execPath, '-e', client], environment: withoutChildren },
    {
      step: 'serve',
      words: ['serve', 'prod'],
      gives: 'token',
      failure: '143',
      visit: takesCredentials(() => undefined),
    },
    {
      step: 'serve with a token file',
      words: ['serve', 'prod', '--token-file', tokenFile(at)],
      failure: '143',
      visit: takesCredentials(() => readFileSync(tokenFile(at), 'utf8').trim()),
    },
    { step: 'sign-in link', words: ['login', 'prod', ...link], gives: 'link' },
  ]
}

/** Asks the endpoint as soon as its address and token are printed. */
function takesCredentials(keptToken: () => string | undefined): (printed: string) => Promise<boolean> {
  return async (printed) => {
    const [, url] = /_FULL_URI='?([^\s']+)/.exec(printed) ?? []
    const [, token] = /AUTHORIZATION_TOKEN(?:_FILE)?='?([^\s']+)'?\n/.exec(printed) ?? []
    if (url === undefined || token === undefined) return false
    const answer = await fetch(url, { headers: { authorization: keptToken() ?? token } })
    if (answer.status !== 200) throw new Error(`the endpoint answered ${answer.status}`)
    await answer.text()
    return true
  }
}

/** A key that is rotated, taken back and rotated again, and one that AWS makes for another user. */
export function rotationSteps(at: Situation, { first, iam, iamUrl }: Services): readonly Planned[] {
  const { accessKeyId, secretAccessKey } = first
  const settings = ['--region', 'eu-west-1', '--endpoint-url', iamUrl]
  const into = ['import', 'turning', '--to', at.uri('turning'), ...settings]
  const twice = ['--also-to', at.uri('made-too')]
  const rotate = ['rotate', 'turning', '--yes']
  return [
    {
      step: 'import before a rotation',
      words: [...into, '--access-key-id', accessKeyId, '--from', 'stdin'],
      input: secretAccessKey,
    },
    { step: 'rotation', words: [...rotate, '--json'] },
    { step: 'rotation that is taken back', words: [...rotate, '--undo'] },
    { step: 'rotation to its end', words: [...rotate, '--overlap', '0', '--grace', '0'] },
    {
      step: 'import of a key that AWS makes',
      words: [
        'import',
        'made',
        '--to',
        at.uri('made'),
        ...twice,
        '--create-for',
        iam.userName,
        '--with',
        'turning',
        ...settings,
      ],
    },
  ]
}

/** What tells of keys and settings. */
export function tellingSteps(at: Situation): readonly Planned[] {
  const user = 'arn:aws:iam::111122223333:user/hk'
  return [
    { step: 'devices', words: ['devices', '--json'] },
    { step: 'list', words: ['list', '--json'] },
    { step: 'inspect', words: ['inspect', 'prod', '--json'] },
    { step: 'signing chain', words: ['inspect', 'prod', '--chain'] },
    { step: 'configure', words: ['configure', 'prod', '--duration', '1h', '--profile', 'work', '--json'] },
    { step: 'policy', words: ['policy', 'prod', '--user-arn', user, '--role-arn', role, '--json'] },
    { step: 'doctor', words: ['doctor', '--json'] },
    { step: 'doctor for one key', words: ['doctor', 'prod', '--endpoint-url', at.sts.url] },
    { step: 'completion', words: ['completion', 'bash'] },
  ]
}
