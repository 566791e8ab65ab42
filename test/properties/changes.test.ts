// What changes a signature and what does not, and that nothing but a typed error comes of any input.

import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { HardkeyError } from '../../src/errors.ts'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import type { HttpRequest } from '../../src/sigv4/request.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'

const noon = new Date('2026-11-24T12:00:00Z')
const keys = secretDateKeys({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' })
const scope = { region: 'eu-west-1', service: 's3' }
type Headers = readonly (readonly [string, string])[]

async function signature(request: HttpRequest, date = noon, { region, service } = scope): Promise<string> {
  const { headers } = await sigV4Signer({ keys, region, service, now: () => noon }).sign(request, { date })
  return headers.Authorization?.slice(-64) ?? ''
}

const name = fc.stringMatching(/^x-amz-meta-[a-z]{1,6}$/)
const value = fc.stringMatching(/^[A-Za-z0-9=,.;]{1,8}( [a-z]{1,4}){0,2}$/)
const segment = fc.stringMatching(/^[A-Za-z0-9._~-]{1,6}$/)
const request = fc.record({
  method: fc.constantFrom<string[]>('GET', 'PUT', 'DELETE'),
  path: fc.array(segment, { minLength: 1, maxLength: 4 }),
  query: fc.uniqueArray(fc.tuple(segment, segment), { minLength: 1, maxLength: 4, selector: ([key]) => key }),
  headers: fc.uniqueArray(fc.tuple(name, value), { minLength: 1, maxLength: 4, selector: ([key]) => key }),
  body: fc.uint8Array({ minLength: 1, maxLength: 20 }),
})
type Parts = typeof request extends fc.Arbitrary<infer Each> ? Each : never

function made({ method, path, query, headers, body }: Parts, shown: Headers = headers): HttpRequest {
  const search = query.map((pair) => pair.join('=')).join('&')
  return { method, url: `https://b.example.com/${path.join('/')}?${search}`, headers: shown, body }
}

it('is the same for another order of headers and parameters, other case of names, other space around values', async () => {
  const space = fc.stringMatching(/^[ \t]{0,3}$/)
  await fc.assert(
    fc.asyncProperty(
      request,
      fc.array(space, { minLength: 8, maxLength: 8 }),
      fc.boolean(),
      async (parts, spaces, upper) => {
        const written = parts.headers.map(([key, text], at): [string, string] => [
          upper ? key.toUpperCase() : key.replace('x-amz', 'X-Amz'),
          `${spaces[at]}${text.replaceAll(' ', ` ${spaces[at + 4]}`)}${spaces[at + 1]}`,
        ])
        const turned = { ...parts, query: [...parts.query].reverse() }
        expect(await signature(made(turned, written.reverse()))).toBe(await signature(made(parts)))
        expect(await signature(made(parts, Object.entries(Object.fromEntries(written))))).toBe(
          await signature(made(parts)),
        )
      },
    ),
    { numRuns: 500 },
  )
})

/** Each differs from the request in one thing. */
function changed(parts: Parts, at: number): readonly HttpRequest[] {
  const { path, query, headers } = parts
  const [key = '', text = ''] = headers[at] ?? []
  const [parameter, of] = query[0] ?? ['', '']
  const body = parts.body.slice()
  body[0] = (body[0] ?? 0) ^ 1
  const url = String(made(parts).url)
  const other = (changes: Partial<Parts>): HttpRequest => made({ ...parts, ...changes })
  return [
    other({ method: 'POST' }),
    other({ path: [...path, 'x'] }),
    other({ path: [...path, ''] }),
    other({ query: query.with(0, [parameter, `${of}x`]) }),
    other({ query: query.with(0, [`${parameter}%2B`, of]) }),
    other({ query: [...query, ['zz%20z', '']] }),
    other({ body }),
    other({ headers: headers.with(at, [key, `${text}x`]) }),
    other({ headers: headers.with(at, [key, `${text} x`]) }),
    other({ headers: headers.with(at, [`${key}x9`, text]) }),
    other({ headers: [...headers, [key, text]] }),
    other({ headers: [...headers, ['x-amz-acl', 'private']] }),
    { ...made(parts), url: url.replace('//b.', '//c.') },
    { ...made(parts), url: url.replace('.com/', '.com:8443/') },
  ]
}

it('is another one for each change that the rules count as one', async () => {
  await fc.assert(
    fc.asyncProperty(request, fc.nat(), async (parts, where) => {
      const signatures = await Promise.all([
        signature(made(parts)),
        ...changed(parts, where % parts.headers.length).map((one) => signature(one)),
        signature(made(parts), new Date(noon.getTime() + 1000)),
        signature(made(parts), noon, { ...scope, region: 'eu-west-2' }),
        signature(made(parts), noon, { ...scope, service: 's3express' }),
      ])
      expect(new Set(signatures).size).toBe(signatures.length)
    }),
    { numRuns: 300 },
  )
})

it('signs or throws a typed error, whatever it is given', async () => {
  const odd = fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.anything())
  const input = fc.record(
    { method: fc.oneof(fc.constantFrom('GET', 'PUT'), odd), url: odd, headers: odd, body: odd },
    { requiredKeys: ['method', 'url'] },
  )
  const signer = sigV4Signer({ keys, ...scope, now: () => noon })
  await signer.sign({ method: 'GET', url: 'https://b.example.com/' })
  await fc.assert(
    fc.asyncProperty(input, async (given) => {
      // What a caller without types may pass.
      const untyped = given as unknown as HttpRequest
      for (const act of [() => signer.sign(untyped), () => signer.presign(untyped, { expiresIn: 60 })]) {
        await act().catch((error: unknown) => expect(error).toBeInstanceOf(HardkeyError))
      }
    }),
    { numRuns: 3000 },
  )
})
