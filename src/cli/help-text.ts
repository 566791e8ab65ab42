// The help, made from the table: overview, one command, and the two topics that no command owns.
// In: the table. Out: text for standard output, at most 120 columns where words allow it.

import { flagsOf, usageLine } from './args.ts'
import type { CommandSpec, FlagSpec, Task } from './command.ts'

/** No line of a table is longer, but for a single word. */
const widest = 120
/** What is longer stands in a line of its own, so that it moves no other line. */
const widestForm = 28

const tasks: readonly Task[] = ['check a key in', 'use it', 'give credentials', 'look after it', 'learn']

/** The commands by task, and where to begin. */
export function overviewText(commands: readonly CommandSpec[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  const sections = tasks.map((task) => {
    const rows = commands.filter((command) => command.task === task)
    return [`${capital(task)}:`, ...rows.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)].join('\n')
  })
  return [
    'hardkey signs AWS requests with a secret access key that checked into a device and never checks out.',
    ...sections,
    [
      'Try it first:    hardkey demo',
      'Then for real:   hardkey import NAME --to embedded, or with a device from hardkey devices',
    ].join('\n'),
  ].join('\n\n')
}

/** One command: usage, what it does, arguments, options, examples. */
export function commandText(command: CommandSpec): string {
  const program = command.program === undefined ? [] : [command.program]
  const rows = [...command.arguments, ...program].map(({ name, help }) => [name, help] as const)
  const options = flagsOf(command).map((flag) => [flagForm(flag), flagHelp(flag)] as const)
  return [
    `Usage: ${usageLine(command)}`,
    [`${capital(command.summary)}.`, ...command.text].join('\n'),
    ...(rows.length === 0 ? [] : [`Arguments:\n${columns(rows)}`]),
    `Options:\n${columns(options)}`,
    `Examples:\n${command.examples.map((example) => `  ${example}`).join('\n')}`,
  ].join('\n\n')
}

/** The topics of `hardkey help`. */
export const topicTexts: Readonly<Record<string, string>> = Object.freeze({
  uri: [
    'A key URI says which key, in which device, and how to reach it (RFC 7512, for every scheme):',
    '',
    '  pkcs11:token=prod;object=aws?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/pin',
    '  tpm2:file=prod.tss2.pem?device=/dev/tpmrm0',
    '  vault:key=aws;mount=transit?address=https://vault.example:8200&token-source=file:/run/token',
    '  tink:file=prod.keyset.json?kek=passphrase:',
    '',
    'Quote it for the shell: ; and & mean something there. A slash may stand as it is; hardkey itself writes %2F.',
    '',
    'pkcs11   path:  token, serial, manufacturer, model, slot-id; object, id (%01%02), type=secret-key',
    '         query: module-path (absolute; default PKCS11_MODULE_PATH, then p11-kit-proxy), pin-source',
    '         Several keys or tokens that match are refused: name serial or id as well.',
    'tpm2     path:  file (a TSS2 key file), or handle (0x81…), or public and private; parent (h2, rsa-ek,',
    '                ecc-ek, rsa-srk, ecc-srk, or a handle; without it the one that fits is looked for)',
    '         query: device (/dev/tpmrm0, swtpm:host=…,port=…, unix:PATH; default TPM2TOOLS_TCTI, then',
    '                /dev/tpmrm0), pcrs, auth=yes, pin-source, owner-auth-source, endorsement-auth-source,',
    '                parent-auth-source; salt, and what import writes: name, salt-name, salt-public, approvals',
    'vault    path:  key, mount (default transit)',
    '         query: address (https://…, several of a cluster by commas; unix:/PATH), ca, namespace, key-version,',
    '         client-cert and client-key, server-name, and one login:',
    '           token-source=file:…                                   a token; without it VAULT_TOKEN, ~/.vault-token',
    '           login=approle&role-id=…&secret-source=file:…',
    '           login=userpass&username=…&password-source=file:…',
    '           login=kubernetes&role=…&jwt-source=file:…',
    '           login=cert&role=…                                     the client-cert of the connection',
    '           login=none                                            an Agent at the address adds its token',
    '         BAO_ and VAULT_ variables stand in for what is missing: ADDR, CACERT, NAMESPACE, CLIENT_CERT, …',
    'tink     path:  file (an encrypted keyset; in a record a relative one lies beside the record)',
    '         query: kek, the key that decrypts it, one of',
    '           passphrase:                                           and pin-source',
    '           aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID           and kek-endpoint; credentials from AWS_ACCESS_KEY_ID',
    '                                                                 or the AWS profile',
    '           gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K   and token-source, kek-endpoint',
    '           hcvault://HOST:PORT/transit/keys/NAME                 and token-source; ca to server-name as for vault',
    '',
    'Never write a PIN into a URI: hardkey help pin.',
  ].join('\n'),
  pin: [
    'What unlocks a device (PIN, passphrase, auth value, token) comes from the pin-source of its key URI, or',
    'for one run from --pin-source:',
    '',
    '  prompt:            ask a person, without echo; what happens without any pin-source',
    "  pinentry:          ask by GnuPG's pinentry: HARDKEY_PINENTRY, else pinentry on PATH",
    '  askpass:           ask by a program that prints the answer: HARDKEY_ASKPASS, else SSH_ASKPASS',
    '  file:/run/pin      a file that only you (or root) can read; one newline at its end is dropped',
    '  fd:3               an open descriptor',
    '  env:NAME           a variable; other programs of yours can read it',
    '  credential:NAME    a systemd credential (LoadCredential=)',
    '  keyring:NAME       the keyring of your desktop, or the keychain of macOS. You put it there:',
    '                       secret-tool store --label hardkey service hardkey account NAME',
    '                       security add-generic-password -s hardkey -a NAME -w',
    '',
    'A person is asked by HARDKEY_ASKPASS or HARDKEY_PINENTRY where one is set, else at the terminal, else, where there',
    'is a display, by SSH_ASKPASS or pinentry; SSH_ASKPASS_REQUIRE counts as for ssh. Standard input, output and error',
    'are never asked at: AWS tools keep them. Where nobody can be asked, the command fails at once.',
    'An MFA code comes from --token-code, or the program of --mfa-process, or a person likewise.',
    '',
    'Kept in the record: the pin-source in the URI of import --to, and that of hardkey configure NAME --pin-source.',
    'It is tried once, by all processes together, so that no token gets locked. What was refused is tried again when its',
    'source has changed (once; a file that was only written again counts too), or after hardkey doctor --clear-latch.',
    'A token that shows a wrong PIN of another program gets none from a file before that, and never the last try.',
  ].join('\n'),
})

function flagForm({ name, value }: FlagSpec): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`
}

function flagHelp({ help, variable }: FlagSpec): string {
  return variable === undefined ? help : `${help} [${variable}]`
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([form]) => form.length).filter((length) => length <= widestForm))
  const indent = `\n${' '.repeat(width + 4)}`
  return rows
    .map(([form, help]) => {
      const lines = help.match(new RegExp(`\\S.{0,${widest - width - 5}}(?= |$)`, 'g')) ?? []
      return `  ${form.padEnd(width)}${form.length > width ? indent : '  '}${lines.join(indent)}`
    })
    .join('\n')
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
