// How each client of the matrix is started. In: an address at which every service answers, a folder for what it may write,
// and how many times to ask. Out: the command.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { peer } from '../peers/peer.ts'

/** Made by the caller who wants the S3 backend to run. */
export const stateBucket = 'state'

/** `times`, 20 seconds apart, for those that ask more than once. */
export type Caller = (endpoint: string, folder: string, times: string) => Promise<readonly string[]>

const besideThis = (name: string): string => join(import.meta.dirname, name)

const cli =
  (name: 'awscli1' | 'awscli'): Caller =>
  async (endpoint) => [(await peer(name)).command, 'sts', 'get-caller-identity', '--endpoint-url', endpoint]

const program =
  (name: 'sdkgo' | 'sdkrust'): Caller =>
  async (endpoint, _, times) => [(await peer(name)).command, endpoint, times]

const javaScript =
  (name: 'awssdk1175' | 'awssdk699'): Caller =>
  async (endpoint, _, times) => {
    return [process.execPath, besideThis('caller-identity.mjs'), (await peer(name)).folder, endpoint, times]
  }

/** By the name of the peer. */
export const callers: Readonly<Record<string, Caller>> = {
  awscli1: cli('awscli1'),
  awscli: cli('awscli'),
  python: async (endpoint, _, times) => {
    return [(await peer('python')).command, besideThis('caller_identity.py'), endpoint, times]
  },
  awssdk1175: javaScript('awssdk1175'),
  awssdk699: javaScript('awssdk699'),
  sdkgo: program('sdkgo'),
  sdkjava: async (endpoint, _, times) => {
    const { classes, archives } = await peer('sdkjava')
    return ['java', '-cp', `${classes}:${archives}/*`, 'CallerIdentity', endpoint, times]
  },
  sdkrust: program('sdkrust'),
  terraform: (endpoint, folder) =>
    stateInS3('terraform', folder, `force_path_style = true\nendpoint = "${endpoint}"\nsts_endpoint = "${endpoint}"`),
  opentofu: (endpoint, folder) =>
    stateInS3('opentofu', folder, `use_path_style = true\nendpoints = { s3 = "${endpoint}", sts = "${endpoint}" }`),
}

/** Begins and writes a state with nothing else in it. */
async function stateInS3(name: 'terraform' | 'opentofu', home: string, told: string): Promise<readonly string[]> {
  const { command } = await peer(name)
  const folder = mkdtempSync(join(home, 'state-'))
  const backend = `bucket = "${stateBucket}"\nkey = "${name}"\nregion = "us-east-1"\n${told}`
  const text = `terraform {\nbackend "s3" {\n${backend}\n}\n}\noutput "done" { value = "yes" }\n`
  writeFileSync(join(folder, 'main.tf'), text)
  const script = `export CHECKPOINT_DISABLE=1; cd ${folder}; ${command} init -input=false; ${command} apply -auto-approve`
  return ['sh', '-ec', script]
}
