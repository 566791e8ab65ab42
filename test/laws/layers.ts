// Laws 1, 2 and 3 of the style: what may import what, one signing chain, and the same first files in every backend.
// In: the files of src/. Out: the breaches.

import { posix } from 'node:path'
import { type Breach, codeOf, importsOf, type SourceFile } from './tree.ts'

/** The order of reading: each may import from those before it. */
const order = [
  'errors',
  'http',
  'files',
  'key',
  'sigv4',
  'backends',
  'query',
  'sts',
  'iam',
  'credentials',
  'aws-sdk',
  'profiles',
  'lifecycle',
  'endpoint',
  'cli',
  'index',
]
const forBackends = ['errors', 'http', 'files', 'key']
const knowNoDevice = ['sigv4', 'query', 'sts', 'iam', 'credentials', 'aws-sdk', 'endpoint']

/** Law 2: a folder imports only from folders above its own; a backend from four alone, never from another backend. */
export function layerBreaches(files: readonly SourceFile[]): Breach[] {
  return files.flatMap((file) =>
    importsOf(file.text)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => posix.join(posix.dirname(file.path), specifier))
      .flatMap((target) => {
        const why = whyNot(file.path, target)
        return why === undefined ? [] : [{ path: file.path, what: `imports ${target}: ${why}` }]
      }),
  )
}

function whyNot(from: string, target: string): string | undefined {
  const [own, other] = [folderOf(from), folderOf(target)]
  if (!order.includes(own) || !order.includes(other)) return 'no such folder in the order of reading'
  const device = deviceOf(from)
  if (device !== undefined) {
    // AWS KMS is asked by signed requests.
    if (from === 'src/backends/tink/aws-kms.ts' && other === 'sigv4') return undefined
    const allowed = other === 'backends' ? deviceOf(target) === device : forBackends.includes(other)
    return allowed ? undefined : 'a backend takes from errors, http, files and key alone'
  }
  if (own !== other && knowNoDevice.includes(own) && other === 'backends') return `${own} knows no device`
  if (from === 'src/cli/demo/loopback-sts.ts' && other === 'sigv4')
    return 'the demo checks signatures with lines of its own'
  return order.indexOf(other) <= order.indexOf(own) ? undefined : `${other} stands below ${own} in the order of reading`
}

/** `src/backends/list.ts` names the backends, each behind `import()`, so that a library is loaded when it is used. */
export function eagerBackendBreaches(files: readonly SourceFile[]): Breach[] {
  return files
    .filter((file) => /^src\/backends\/[^/]+\.ts$/.test(file.path))
    .flatMap((file) =>
      file.text
        .split('\n')
        .filter((line) => /^(?:import|export) (?!type\b)[^(]*from '\.\/[^/']+\//.test(line))
        .map((line) => ({ path: file.path, what: `loads a backend before it is opened: ${line}` })),
    )
}

/** Law 3: the same first names in each backend. `memory` shows the least that opens a key, and has no more. */
export function backendFolderBreaches(files: readonly SourceFile[]): Breach[] {
  const devices = new Set(files.map((file) => deviceOf(file.path)).filter((device) => device !== undefined))
  return [...devices].flatMap((device) =>
    (device === 'memory' ? ['backend.ts'] : ['backend.ts', 'status.ts', 'import.ts'])
      .map((name) => `src/backends/${device}/${name}`)
      .filter((path) => !files.some((file) => file.path === path))
      .map((path) => ({ path, what: 'is missing' })),
  )
}

/** Law 1: what follows the device's HMAC exists once. The demo's STS checks with lines of its own, and is told apart. */
export function signingChainBreaches(files: readonly SourceFile[]): Breach[] {
  return files
    .filter((file) => !file.path.startsWith('src/sigv4/') && !file.path.startsWith('src/cli/demo/'))
    .flatMap((file) => {
      const stringsAlone = withoutComments(file.text)
      return ['aws4_request', 'AWS4-HMAC-SHA256']
        .filter((word) => stringsAlone.includes(word))
        .map((word) => ({ path: file.path, what: `spells "${word}", which only sigv4/ does` }))
    })
}

/**
 * The prefix of the secret is put on in one place; the demo has its own. To look whether it is there is no breach, and the
 * formulas for a person compute nothing.
 */
export function prefixBreaches(files: readonly SourceFile[]): Breach[] {
  const putOn = /(?:from|encode)\(['"]AWS4['"]|['"]AWS4['"] ?\+|`AWS4\$\{|= ['"]AWS4['"]/
  return files
    .filter(({ path }) => !/^src\/(?:sigv4\/(?:aws4-key|chain-formulas)\.ts$|cli\/demo\/)/.test(path))
    .filter((file) => putOn.test(withoutComments(file.text)))
    .map((file) => ({ path: file.path, what: 'puts the prefix AWS4 on; sigv4/aws4-key.ts does' }))
}

function withoutComments(text: string): string {
  const code = codeOf(text).split('\n')
  return text
    .split('\n')
    .filter((_, index) => code[index]?.trim() !== '')
    .join('\n')
}

function folderOf(path: string): string {
  return path.split('/')[1]?.replace(/\.ts$/, '') ?? ''
}

function deviceOf(path: string): string | undefined {
  return /^src\/backends\/([^/]+)\//.exec(path)?.[1]
}
