// Where the TPM is. In: the `device` attribute of a key URI, or a TCTI string as tpm2-tools and others write it.
// Out: a TpmAddress. TCG TSS 2.0 TPM Command Transmission Interface (TCTI) Specification names the interface; the
// strings `NAME:key=value,…` are those of tpm2-tss (TPM2TOOLS_TCTI), the bare `host:port` that of the Go programs.

import { HardkeyError } from '../../../errors.ts'

export type TpmAddress =
  | { readonly kind: 'device'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** The kernel's resource manager: it keeps handles for each opening and gives them back at its close. */
export const defaultDevice: TpmAddress = { kind: 'device', path: '/dev/tpmrm0' }

/** The port and host that tpm2-tss assumes for `swtpm`. */
const swtpmPort = 2321
const swtpmHost = '127.0.0.1'

const forms =
  'a TPM is named as /dev/tpmrm0, device:/dev/tpm0, swtpm:host=HOST,port=PORT, swtpm:path=SOCKET, unix:SOCKET or HOST:PORT'

/** TCTI modules that hardkey does not speak, and what to use in their place. */
const refusedModules: ReadonlyMap<string, string> = new Map([
  ['tabrmd', 'use device:/dev/tpmrm0, the resource manager of the kernel'],
  [
    'mssim',
    "hardkey does not speak the simulator's protocol; swtpm speaks plain TPM commands: swtpm:host=HOST,port=PORT",
  ],
  ['tbs', 'Windows is not supported with a TPM yet'],
  ['simulator', 'the built-in simulator has a fixed seed and protects nothing; start swtpm'],
])

/**
 * The address that the text says; `/dev/tpmrm0` where there is none.
 *
 * @throws ERR_URI_INVALID
 */
export function parseTpmAddress(text: string | undefined): TpmAddress {
  if (text === undefined) return defaultDevice
  if (text.includes('\0')) throw addressError('the address of the TPM has a zero byte')
  if (text.startsWith('/')) return { kind: 'device', path: text }
  // tpm2-tools take the name of the library as well: libtss2-tcti-swtpm.so.0:host=…
  const [, name = '', rest = ''] = /^(?:libtss2-tcti-)?([a-z]+)(?:\.so[.0-9]*)?(?::(.*))?$/s.exec(text) ?? []
  if (name === 'device') return deviceAddress(rest)
  if (name === 'swtpm') return swtpmAddress(rest)
  if (name === 'unix' && rest !== '') return { kind: 'unix', path: rest }
  const hint = refusedModules.get(name)
  if (hint !== undefined && !/^[0-9]+$/.test(rest)) throw addressError(`a TPM cannot be reached by ${name}`, hint)
  return bareAddress(text)
}

/** The address as a TCTI string that `parseTpmAddress` and tpm2-tools read. */
export function formatTpmAddress(address: TpmAddress): string {
  if (address.kind === 'device') return `device:${address.path}`
  if (address.kind === 'unix') return `swtpm:path=${address.path}`
  return `swtpm:host=${address.host},port=${address.port}`
}

/** The address for a person: `/dev/tpmrm0`, `127.0.0.1:2321`. */
export function describeTpmAddress(address: TpmAddress): string {
  if (address.kind !== 'tcp') return address.path
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

function deviceAddress(path: string): TpmAddress {
  if (path === '') return defaultDevice
  if (!path.startsWith('/')) throw addressError(`the TPM device "${path}" is not a path that starts with "/"`)
  return { kind: 'device', path }
}

function swtpmAddress(text: string): TpmAddress {
  const values = new Map<string, string>()
  for (const part of text === '' ? [] : text.split(',')) {
    const [, key = '', value = ''] = /^(host|port|path)=(.+)$/s.exec(part) ?? []
    if (key === '') throw addressError(`"${part}" is no part of a swtpm address`)
    if (values.has(key)) throw addressError(`the swtpm address has "${key}" twice`)
    values.set(key, value)
  }
  const path = values.get('path')
  if (path === undefined) return tcpAddress(values.get('host') ?? swtpmHost, values.get('port') ?? String(swtpmPort))
  if (values.size > 1) throw addressError('the swtpm address has a path and a host or port as well')
  return { kind: 'unix', path }
}

function bareAddress(text: string): TpmAddress {
  const [, inBrackets, plain, port] = /^(?:\[([^\]]+)\]|([^:/[\]]+)):([0-9]+)$/.exec(text) ?? []
  const host = inBrackets ?? plain
  if (host === undefined || port === undefined) throw addressError(`"${text}" is not the address of a TPM`)
  return tcpAddress(host, port)
}

function tcpAddress(host: string, port: string): TpmAddress {
  const number = /^[0-9]{1,5}$/.test(port) ? Number(port) : 0
  if (number < 1 || number > 0xffff) throw addressError(`"${port}" is not a port from 1 to 65535`)
  return { kind: 'tcp', host, port: number }
}

function addressError(message: string, hint: string = forms): HardkeyError {
  return new HardkeyError('ERR_URI_INVALID', message, { hint })
}
