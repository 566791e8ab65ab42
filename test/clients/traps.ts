// The traps in the chains of AWS's clients. In: a client and where it is tried. Out: what it does, in the words of the matrix.
// Each is played with hardkey's own server, so that "fails" is what a user would see.

import { serviceProxy } from '../peers/service-proxy.ts'
import { type ClientBench, nowhere, relativeNowhere, type Seen } from './bench.ts'
import type { Client, Trap } from './matrix.ts'

type Variables = Readonly<Record<string, string>>
type Play = (bench: ClientBench, run: (variables: Variables) => Promise<Seen>) => Promise<string>

/** Plays a trap to a client. */
export function playTrap(bench: ClientBench, client: Client, trap: Trap): Promise<string> {
  return plays[trap](bench, (variables) => bench.run(client, { variables }))
}

const plays: Readonly<Record<Trap, Play>> = {
  'a key in [default]': async (bench, run) => {
    const seen = await run({ ...(await bench.variables('serve')), ...bench.plaintext('default') })
    return seen.signers.has(bench.moto.accessKeyId) ? 'the key wins' : 'the endpoint wins'
  },
  'AWS_PROFILE left set': async (bench, run) => {
    const seen = await run({ ...(await bench.variables('serve')), ...bench.plaintext('left'), AWS_PROFILE: 'left' })
    return seen.signers.has(bench.moto.accessKeyId) ? 'the profile wins' : 'the endpoint wins'
  },
  'token and token file': async (bench, run) => {
    const file = { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: bench.home.write('wrong-token', 'wrong') }
    const wrong = { AWS_CONTAINER_AUTHORIZATION_TOKEN: 'wrong' }
    const tokenIsRight = await run({ ...(await bench.variables('serve')), ...file })
    const fileIsRight = await run({ ...(await bench.variables('serve --token-file')), ...wrong })
    if (tokenIsRight.succeeded) return fileIsRight.succeeded ? 'both are tried' : 'the token wins'
    return fileIsRight.succeeded ? 'the file wins' : 'neither works'
  },
  'newline in the token file': async (bench, run) => {
    const { AWS_CONTAINER_AUTHORIZATION_TOKEN: token = '', ...served } = await bench.variables('serve')
    const file = bench.home.write('newline-token', `${token}\n`)
    const seen = await run({ ...served, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file })
    return seen.succeeded ? 'works' : 'fails'
  },
  'full and relative URI': async (bench, run) => {
    const seen = await run({
      ...(await bench.variables('serve')),
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relativeNowhere,
    })
    return seen.succeeded ? 'full wins' : 'relative wins'
  },
  'HTTP_PROXY, endpoint': async (bench, run) => throughProxy(await bench.variables('serve'), run),
  'HTTP_PROXY, IMDS': async (bench, run) => throughProxy(await bench.variables('serve --imds'), run),
}

/** A proxy that notes what is wanted and gives nothing. */
async function throughProxy(variables: Variables, run: (variables: Variables) => Promise<Seen>): Promise<string> {
  const proxy = await serviceProxy({ url: `http://${nowhere}` })
  const server = Object.values(variables).find((value) => value.startsWith('http:'))
  try {
    await run({ ...variables, HTTP_PROXY: `http://127.0.0.1:${proxy.port}` })
    return proxy.exchanges.some(({ path }) => server !== undefined && path.startsWith(server)) ? 'asked' : 'not asked'
  } finally {
    await proxy.close()
  }
}
