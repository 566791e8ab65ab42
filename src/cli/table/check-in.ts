// The commands that check a key in, in the order of the overview: words, options, texts.
// In: nothing. Out: rows of the table.

import type { CommandSpec, FlagSpec } from '../command.ts'
import { allowHttpFlag, jsonFlag, pinSourceFlag, sessionFlags, strictFlag, stsFlags, tpmFlags } from './flags.ts'

const outFlag: FlagSpec = { name: 'out', value: 'FILE', help: 'write it to a new file in place of standard output' }

export const checkInCommands: readonly CommandSpec[] = Object.freeze([
  {
    name: 'devices',
    task: 'check a key in',
    summary: 'tokens, TPMs and transit engines in reach, each as a URI for import --to',
    arguments: [],
    flags: [
      {
        name: 'module-path',
        value: 'FILE',
        help: 'the PKCS#11 module to ask; default: p11-kit-proxy',
        variable: 'PKCS11_MODULE_PATH',
      },
      {
        name: 'device',
        value: 'TPM',
        help: 'the TPM to ask; default: /dev/tpmrm0',
        variable: 'TPM2TOOLS_TCTI',
      },
      { name: 'keys', help: 'the keys that a TPM keeps, in place of the devices' },
      jsonFlag,
    ],
    text: [
      'Asks for no PIN and changes nothing. A server of Vault or OpenBao is asked where VAULT_ADDR or its like names one.',
      'With --module-path or --device nothing else is asked.',
    ],
    examples: [
      'hardkey devices',
      'hardkey devices --module-path /usr/lib/softhsm/libsofthsm2.so',
      'hardkey devices --device swtpm:host=127.0.0.1,port=2321 --keys',
    ],
    load: async () => (await import('../commands/devices.ts')).devices,
  },
  {
    name: 'import',
    task: 'check a key in',
    summary: 'put a secret access key into a device, prove it, write a record',
    arguments: [{ name: 'NAME', help: 'the new record: letters, digits, ".", "_" and "-"' }],
    flags: [
      { name: 'to', value: 'WHERE', help: 'a URI (hardkey devices), or "tpm2", "vault" or "embedded"' },
      { name: 'access-key-id', value: 'ID', help: 'the ID of the access key; asked at the terminal without it' },
      {
        name: 'from',
        value: 'SOURCE',
        help: 'prompt (default), stdin, fd:N, csv:FILE, json:FILE, profile:NAME, backup:FILE, or device',
      },
      { name: 'wrapped', value: 'FILE', help: 'a key that hardkey wrap, or tpmcopy, has encrypted for this device' },
      {
        name: 'prove',
        value: 'sts|s3',
        help: 'ask STS who the key is (default), or list buckets at the store of --endpoint-url, which has no STS',
      },
      { name: 'offline', help: 'ask nobody; of a store without STS say so with --prove s3' },
      { name: 'other-store', help: "take an ID or secret that is not in AWS's form" },
      { name: 'allow-exportable', help: 'take a key from a backup of Vault though its server could give it out' },
      { name: 'write-profile', value: 'PROFILE', help: 'write the AWS profile that gets its credentials from here' },
      { name: 'remove-source', help: 'remove the plaintext (csv:, json:, profile:) once all has gone well' },
      ...tpmFlags,
      { name: 'policy-months', value: 'N', help: 'vault: months that the printed policy allows, 1 to 24; default 2' },
      { name: 'apply', help: 'vault: write that policy to the server as hardkey-KEY' },
      strictFlag,
      ...sessionFlags,
      ...stsFlags,
      allowHttpFlag,
      pinSourceFlag,
      jsonFlag,
    ],
    text: [
      'Reads the secret, puts it into the device, reads the attributes back, compares the HMAC of the device',
      'with one made in software, asks STS who the key is, and writes the record. A step that fails undoes',
      'those before it. Region, endpoint, role, duration and MFA device become defaults of the record.',
      'A secret is never an argument and never a variable. --from device: it is in there already.',
      '--to embedded: an encrypted keyset beside the record, opened with a passphrase; protection: memory.',
      '--to tpm2: a key file beside the record that this TPM alone can use. --pcrs and --auth may go together.',
      '--date-rule: the TPM computes for approved days alone (hardkey approve); FILE is the public half of',
      'the office key, and the device is asked for the first time when it is approved.',
      '--to vault: the transit engine of Vault or OpenBao, reached as VAULT_ADDR and its like say; prints the',
      'narrowest policy for whoever uses the key: this month and the next, and nothing else.',
      '--wrapped: this machine never sees the secret; the device must confirm the whole file by its own HMAC.',
    ],
    examples: [
      'hardkey import prod --to embedded --region eu-west-1',
      "hardkey import prod --to 'pkcs11:token=prod?module-path=/usr/lib/softhsm/libsofthsm2.so' --from csv:accessKeys.csv",
      'hardkey import prod --to embedded --from profile:prod --write-profile prod --remove-source',
      'hardkey import edge --to tpm2 --pcrs sha256:7 --region eu-west-1',
      "hardkey import fleet --to 'vault:key=fleet?address=https://vault.example:8200' --apply",
      'hardkey import store --to embedded --other-store --prove s3 --endpoint-url https://store.example:9000 --region us-east-1',
    ],
    load: async () => (await import('../commands/import.ts')).importKey,
  },
  {
    name: 'wrapping-key',
    task: 'check a key in',
    summary: 'print the public key of a device, for which a secret can be encrypted elsewhere',
    arguments: [{ name: 'URI', help: 'the device: a URI (hardkey devices), or "tpm2" or "vault"' }],
    flags: [
      { name: 'create', help: 'pkcs11: make the key pair, which the token keeps from then on' },
      outFlag,
      pinSourceFlag,
    ],
    text: [
      'The file goes to the machine that has the secret: hardkey wrap. It holds nothing secret. Who changes it on',
      'its way gets the secret, so compare the name that both commands tell, by telephone, say.',
      'tpm2: an endorsement key that has a certificate (hardkey wrap --ek-ca checks it), else the H-2 primary',
      'key; tpm2:parent=rsa-ek, ecc-ek, h2, rsa-srk, ecc-srk or a handle says which.',
      'pkcs11: RSA, with OAEP; which hash the token knows is tried out. vault: that of the transit engine.',
      'tink: has none: a keyset is opened wherever its passphrase or key service is.',
    ],
    examples: [
      'hardkey wrapping-key tpm2 --out edge7.json',
      "hardkey wrapping-key 'pkcs11:token=prod?module-path=/usr/lib/softhsm/libsofthsm2.so' --create",
      "hardkey wrapping-key 'vault:mount=transit?address=https://vault.example:8200'",
    ],
    load: async () => (await import('../commands/wrapping-key.ts')).wrappingKey,
  },
  {
    name: 'wrap',
    task: 'check a key in',
    summary: 'encrypt a secret access key for a device that is elsewhere',
    arguments: [],
    flags: [
      { name: 'for', value: 'FILE', help: 'what hardkey wrapping-key has printed there' },
      { name: 'ek-ca', value: 'FILE', help: 'TPM: certificates (PEM) of its maker, one of which must vouch for it' },
      { name: 'access-key-id', value: 'ID', help: 'the ID of the access key; asked at the terminal without it' },
      {
        name: 'from',
        value: 'SOURCE',
        help: 'prompt (default), stdin, fd:N, csv:FILE, json:FILE, profile:NAME or backup:FILE',
      },
      { name: 'other-store', help: "take an ID or secret that is not in AWS's form" },
      { name: 'allow-exportable', help: 'take a key from a backup of Vault though its server could give it out' },
      {
        name: 'format',
        value: 'FORMAT',
        help: 'hardkey (default), or tpmcopy for a TPM: its out.json, without a proof',
      },
      outFlag,
    ],
    text: [
      'Needs no device. The file holds the ID of the access key and the secret encrypted: hardkey import --wrapped',
      'opens it in that device alone. A byte that is changed on its way is refused there.',
      'The file does not say who wrote it: whoever has the public key can encrypt a secret of their own. That STS',
      'knows the key, and who it is, is what import proves.',
      'The plaintext stays where it was read. Remove it when the device has proved the key.',
    ],
    examples: ['hardkey wrap --for edge7.json --from csv:accessKeys.csv --ek-ca maker.pem --out edge7.wrapped.json'],
    load: async () => (await import('../commands/wrap.ts')).wrap,
  },
] satisfies readonly CommandSpec[])
