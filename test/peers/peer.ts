// Where the real peers are: devices, servers and clients that tests run against. In: a peer's name. Out: its paths.
// scripts/peers.mjs installs them into .peers/ and leaves one marker for each, .peers/state/NAME.json:
// { state: 'installing' | 'ready' | 'failed', version, pid, paths, reason }. This file only reads it, and waits.

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Each peer with the absolute paths that its users need. */
export interface PeerPaths {
  /** SoftHSM 2: the PKCS#11 module and `softhsm2-util`. */
  readonly softhsm: { readonly module: string; readonly util: string }
  /** kryoptic, a second PKCS#11 implementation (token state named by KRYOPTIC_CONF). */
  readonly kryoptic: { readonly module: string }
  /** p11-kit: its command, the module that speaks to `p11-kit server`, and the module that joins all registered ones. */
  readonly p11kit: { readonly command: string; readonly client: string; readonly proxy: string }
  /** OpenSC's `pkcs11-tool`, an independent client of any module. */
  readonly opensc: { readonly tool: string }
  /** swtpm, a software TPM 2.0, and `socat`, which puts a terminal in front of it as a character device. */
  readonly swtpm: { readonly command: string; readonly socat: string }
  /** GnuPG's own programs that ask for a PIN: on a line of the terminal, and in a window of it. */
  readonly pinentry: { readonly tty: string; readonly curses: string }
  /** GNOME's Secret Service, `secret-tool`, and `dbus-run-session`, which gives both a bus of their own. */
  readonly keyring: { readonly daemon: string; readonly tool: string; readonly session: string }
  /** tpm2-tools, an independent client of a TPM: `tpm2 createprimary` is tpm2_createprimary. */
  readonly tpm2tools: { readonly command: string }
  /** A C compiler, for shims in front of a module. */
  readonly cc: { readonly command: string }
  /** Shows the system calls of a command and of all that it starts. */
  readonly strace: { readonly command: string }
  /** Two shells, whose completion is tried. */
  readonly zsh: { readonly command: string }
  readonly fish: { readonly command: string }
  /** A browser, for pages that must not get credentials. */
  readonly chromium: { readonly command: string }
  /** A Python with moto[server], boto3, botocore and tink, and the `moto_server` beside it. */
  readonly python: { readonly command: string; readonly motoServer: string }
  /** OpenBao's one binary: server and command. */
  readonly openbao: { readonly command: string }
  /** Tink for Go behind one request on standard input (test/peers/tink-go). */
  readonly tinkgo: { readonly command: string }
  /** hvac, Vault's client for Python, as a folder for PYTHONPATH. */
  readonly hvac: { readonly modules: string }
  /** A Python with the signer of login tokens for Amazon MSK. */
  readonly msksigner: { readonly command: string }
  /** A folder with @aws-sdk/rds-signer, @aws-sdk/dsql-signer and @aws-sdk/s3-presigned-post. */
  readonly tokensigners: { readonly folder: string }
  /** A folder with aws-crt, whose signer is native code. */
  readonly awscrt: { readonly folder: string }
  /** Looks at the syntax of workflows. */
  readonly actionlint: { readonly command: string }
  /** Look for attacks in workflows, at CloudFormation and at IAM policies; a Python that judges CycloneDX, SPDX and HCL. */
  readonly linters: {
    readonly python: string
    readonly zizmor: string
    readonly 'cfn-lint': string
    readonly parliament: string
  }
  /** Sets manual pages. */
  readonly groff: { readonly command: string }
  /** The AWS CLI of Debian, of major version 2. */
  readonly awscli: { readonly command: string }
  /** The AWS CLI of PyPI, of major version 1. */
  readonly awscli1: { readonly command: string }
  /** The AWS SDK for Go v2: a program that says who it is (test/peers/sdk-go). */
  readonly sdkgo: { readonly command: string }
  /** The same with the AWS SDK for Java v2: a folder of classes, and one of archives. Long run. */
  readonly sdkjava: { readonly classes: string; readonly archives: string }
  /** The same with the AWS SDK for Rust. Long run. */
  readonly sdkrust: { readonly command: string }
  /** Terraform and OpenTofu, for their S3 backends: one on the SDK for Go v1, the other on v2. Long run. */
  readonly terraform: { readonly command: string }
  readonly opentofu: { readonly command: string }
  /** versitygw: S3, IAM and STS that check every signature. */
  readonly versitygw: { readonly command: string }
  /** MinIO: S3 and AssumeRole at one address. */
  readonly minio: { readonly command: string }
  /** Releases of the AWS SDK for JavaScript v3, by their number, each in a folder of its own. */
  readonly awssdk699: { readonly folder: string }
  readonly awssdk758: { readonly folder: string }
  readonly awssdk879: { readonly folder: string }
  readonly awssdk958: { readonly folder: string }
  readonly awssdk1019: { readonly folder: string }
  readonly awssdk1079: { readonly folder: string }
  readonly awssdk1141: { readonly folder: string }
  readonly awssdk1175: { readonly folder: string }
  readonly node20: { readonly command: string }
  readonly node22: { readonly command: string }
  readonly node24: { readonly command: string }
  readonly node26: { readonly command: string }
}

export type PeerName = keyof PeerPaths

/** Such a failure counts as "not run" in the report of `npm test`, and as a failure where CI is set. */
export class PeerMissing extends Error {
  override readonly name = 'PeerMissing'
  constructor(peer: PeerName, reason: string) {
    super(`peer ${peer} is not here: ${reason}`)
  }
}

const stateFolder = join(import.meta.dirname, '..', '..', '.peers', 'state')

interface Marker {
  readonly state: 'installing' | 'ready' | 'failed'
  readonly pid: number
  readonly paths: unknown
  readonly reason?: string
}

/** The paths of a peer, once its installation has ended. @throws PeerMissing when it failed or was never begun */
export async function peer<Name extends PeerName>(name: Name): Promise<PeerPaths[Name]> {
  for (;;) {
    const marker = readMarker(name)
    if (marker === undefined) throw new PeerMissing(name, 'run node scripts/peers.mjs')
    if (marker.state === 'ready') {
      // scripts/peers.mjs writes the paths in the shape above and has seen that each file is there.
      return marker.paths as PeerPaths[Name]
    }
    if (marker.state === 'failed') throw new PeerMissing(name, marker.reason ?? `see .peers/log/${name}.log`)
    if (!isAlive(marker.pid)) throw new PeerMissing(name, 'its installation was cut short; run node scripts/peers.mjs')
    await sleep(200)
  }
}

/**
 * The environment for a command or peer that a test starts: a path on which `node` is the one that runs the tests, a
 * plain locale, and what the test adds. Nothing of the machine's own: no proxies, CA bundles, HOME or AWS_ variables.
 * Nothing is kept between runs, unless the test names a folder for it.
 */
export function builtEnvironment(added: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    LANG: 'C.UTF-8',
    HARDKEY_CACHE_DIR: 'none',
    ...added,
  }
}

function readMarker(name: PeerName): Marker | undefined {
  try {
    // scripts/peers.mjs replaces the marker as a whole, so it is never half written.
    return JSON.parse(readFileSync(join(stateFolder, `${name}.json`), 'utf8')) as Marker
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
