// Which hosts are reached without the proxy. In: the value of NO_PROXY and a host. Out: yes or no.
// No standard covers the variable; the forms are those of curl and Go: names with or without a leading dot or "*.", addresses,
// CIDR ranges, each with an optional port, separated by commas or blanks; "*" is every host.

import { BlockList, isIP } from 'node:net'
import { HardkeyError } from '../errors.ts'
import { withoutBrackets } from './target.ts'

/** True where the host is to be reached directly. */
export type NoProxy = (host: string, port: number) => boolean

/**
 * Reads a NO_PROXY value. A name covers itself and what lies below it, never a longer name with the same end
 * ("example.com" covers "a.example.com", not "badexample.com").
 * @throws ERR_CONFIG_INVALID for a range that is none: the rest of the value would silently go the other way
 */
export function readNoProxy(value: string): NoProxy {
  const rules = value
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(readRule)
  return (host, port) => rules.some((rule) => rule(host, port))
}

function readRule(entry: string): NoProxy {
  if (entry === '*') return () => true
  if (entry.includes('/')) return readRange(entry)
  const { host, port } = splitPort(entry)
  const name = host.replace(/^\*?\./, '').replace(/\.$/, '')
  const covers = isIP(name) === 0 ? coversName(name) : coversRange(name, isIP(name) === 6 ? 128 : 32)
  return (candidate, candidatePort) => (port === undefined || port === candidatePort) && covers(candidate)
}

function readRange(entry: string): NoProxy {
  const [, address = '', bits = ''] = /^\[?([0-9a-f.:]+)\]?\/(\d{1,3})$/.exec(entry) ?? []
  const longest = isIP(address) === 6 ? 128 : 32
  if (isIP(address) === 0 || Number(bits) > longest) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `NO_PROXY has "${entry}", which is not a range of addresses`, {
      hint: 'a range is written as 10.0.0.0/8 or fd00::/8',
    })
  }
  return coversRange(address, Number(bits))
}

const coversName =
  (name: string) =>
  (host: string): boolean => {
    const candidate = host.toLowerCase().replace(/\.$/, '')
    return candidate === name || candidate.endsWith(`.${name}`)
  }

function coversRange(address: string, bits: number): (host: string) => boolean {
  const range = new BlockList()
  range.addSubnet(address, bits, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return (host) => isIP(host) !== 0 && range.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')
}

/** "host:8080", "[::1]:8080" and "[::1]" taken apart; a bare IPv6 address has no port. */
function splitPort(entry: string): { host: string; port: number | undefined } {
  const [, host, port] = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(entry) ?? []
  if (host === undefined) return { host: withoutBrackets(entry), port: undefined }
  return { host: withoutBrackets(host), port: Number(port) }
}
