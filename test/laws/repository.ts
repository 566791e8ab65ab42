// What holds for every file of the repository, and for its tests: no host or path of one machine, no word of ours that
// a reader cannot follow, licences beside vectors, a contract test for each backend. In: files. Out: the breaches.

import { type Breach, codeOf, type SourceFile } from './tree.ts'

/** Spelled in pieces, so that this file does not break its own law. */
const registryHosts = [
  ['registry', 'npmjs'],
  ['registry', 'yarnpkg'],
  ['pypi', 'org'],
  ['pythonhosted', 'org'],
  ['crates', 'io'],
  ['proxy', 'golang'],
  ['sum', 'golang'],
  ['deb', 'debian'],
  ['repo', 'maven'],
  ['maven', 'org'],
].map((words) => words.join('.'))

const machinePaths = /(?:^|[^A-Za-z0-9.])\/(?:work|farm|root)\//
const foreignWords =
  /\b(?:[cC]laude|[aA]nthropic|[oO]pen[aA][iI]|[cC]hat[gG][pP][tT]|[cC]opilot|[T]ODO|[F]IXME|[X]XX)\b/

/** No registry's host, path of one machine or forbidden word in any file. */
export function wordBreaches(files: readonly SourceFile[]): Breach[] {
  return files.flatMap((file) => {
    const host = registryHosts.find((name) => file.text.includes(name))
    const path = machinePaths.exec(file.text)?.[0]
    const word = foreignWords.exec(file.text)?.[0]
    return [
      ...(host === undefined ? [] : [{ path: file.path, what: `names the registry host ${host}` }]),
      ...(path === undefined ? [] : [{ path: file.path, what: `names the path ${path.trim()} of one machine` }]),
      ...(word === undefined ? [] : [{ path: file.path, what: `says ${word}` }]),
    ]
  })
}

/** The lock file holds no registry's address. */
export function lockBreaches(lock: string): Breach[] {
  return /"resolved":/.test(lock) ? [{ path: 'package-lock.json', what: 'holds addresses of a registry' }] : []
}

/** Vectors lie in folders of their own, licence and notice beside them. */
export function licenceBreaches(paths: readonly string[]): Breach[] {
  const folders = new Set(paths.flatMap((path) => /^test\/vectors\/[^/]+\//.exec(path) ?? []))
  return [...folders].flatMap((folder) =>
    ['LICENSE', 'NOTICE']
      .map((name) => `${folder}${name}`)
      .filter((path) => !paths.includes(path))
      .map((path) => ({ path, what: 'is missing' })),
  )
}

/** ARCHITECTURE.md names every folder of src/, and those of test/ that mirror none. */
export function folderBreaches(paths: readonly string[], architecture: string): Breach[] {
  const inSources = paths.flatMap((path) => /^src\/(.+)\/[^/]+$/.exec(path)?.[1] ?? [])
  const inTests = paths.flatMap((path) => /^test\/([^/]+)\//.exec(path)?.[1] ?? [])
  const folders = new Set([...inSources, ...inTests].map((folder) => folder.split('/').at(-1) ?? ''))
  return [...folders]
    .filter((folder) => ![`\`${folder}/`, `/${folder}/`].some((name) => architecture.includes(name)))
    .map((folder) => ({ path: 'ARCHITECTURE.md', what: `does not name ${folder}/` }))
}

/** Law 4: every backend passes the one contract test. */
export function contractBreaches(sourcePaths: readonly string[], tests: readonly SourceFile[]): Breach[] {
  const devices = new Set(sourcePaths.flatMap((path) => /^src\/backends\/([^/]+)\//.exec(path)?.[1] ?? []))
  return [...devices]
    .filter((device) => !tests.some((file) => file.path.includes(device) && file.text.includes('describeHmacKey(')))
    .map((device) => ({ path: `src/backends/${device}`, what: 'has no test that runs the contract of HmacKey' }))
}

/** Nothing is left out in silence: a peer that is missing, or a device that cannot, says so while the tests run. */
export function silenceBreaches(tests: readonly SourceFile[]): Breach[] {
  const silent = /\b(?:it|test|describe)\.(?:skip|only|todo)\b/
  return tests
    .filter((file) => !file.path.startsWith('test/contract/') && !file.path.startsWith('test/laws/'))
    .filter((file) => silent.test(codeOf(file.text)))
    .map((file) => ({ path: file.path, what: 'leaves a test out in silence' }))
}

/** What the laws need to know of package.json. */
export interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** Law 5: installing builds nothing and brings nothing. */
export function manifestBreaches(manifest: Manifest): Breach[] {
  const path = 'package.json'
  const hooks = Object.keys(manifest.scripts ?? {}).filter((name) => /^(?:pre|post)?(?:install|prepare)$/.test(name))
  const ranges = Object.entries(manifest.devDependencies ?? {}).filter(([, version]) => !/^\d/.test(version))
  return [
    ...hooks.map((name) => ({ path, what: `script "${name}" runs while the package is installed` })),
    ...Object.keys(manifest.dependencies ?? {}).map((name) => ({ path, what: `${name} is a runtime dependency` })),
    ...ranges.map(([name]) => ({ path, what: `${name} is not pinned` })),
  ]
}
