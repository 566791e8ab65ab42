// The bill of materials, in CycloneDX and SPDX. In: package.json and package-lock.json. Out: what `npm sbom` says of the
// packages that a user installs, without what differs from run to run, so that the same tree gives the same bytes (S-06, S-07).

import { spawnSync } from 'node:child_process'

/** By file name. The version of npm, the time and a random number are left out or derived from the package. */
export function billsOfMaterials(root, manifest) {
  return {
    'sbom.cdx.json': oneLine(steadyCycloneDx(npmSbom(root, 'cyclonedx'), manifest)),
    'sbom.spdx.json': oneLine(steadySpdx(npmSbom(root, 'spdx'), manifest)),
  }
}

function npmSbom(root, format) {
  const args = ['sbom', '--sbom-format', format, '--omit', 'dev', '--package-lock-only']
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm sbom failed: ${stderr}`)
  return JSON.parse(stdout)
}

function steadyCycloneDx({ serialNumber: _, metadata, ...rest }, { name }) {
  const { timestamp, tools, ...kept } = metadata
  // npm takes the name of the folder.
  const steady = { ...rest, metadata: { ...kept, component: { ...metadata.component, name } } }
  return JSON.parse(JSON.stringify(steady), (_, value) =>
    Array.isArray(value) && value.length === 0 ? undefined : value,
  )
}

/** SPDX asks for a time and a maker: the time is that of the first second there is, as for a reproducible build. */
function steadySpdx({ creationInfo: _, packages, ...rest }, { name, version }) {
  return {
    ...rest,
    // The hashes stand in the other bill, and in the lock file.
    packages: packages.map(({ checksums: __, packageFileName: ___, ...kept }) => kept),
    documentNamespace: `urn:hardkey:sbom:${name}@${version}`,
    creationInfo: { created: '1970-01-01T00:00:00Z', creators: ['Tool: npm-cli'] },
  }
}

function oneLine(value) {
  return `${JSON.stringify(value)}\n`
}
