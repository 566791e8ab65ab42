// `--port N`, of 127.0.0.1. In: the arguments of a command. Out: a number that a server can listen at, or none: any port that
// is free is taken then.

import type { ParsedArguments } from '../args.ts'

/** 1 to 65535; undefined where it was not given. @throws ERR_USAGE */
export function portOption(args: ParsedArguments): number | undefined {
  const text = args.value('port')
  if (text === undefined) return undefined
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535) throw args.wrong('--port is not a number from 1 to 65535')
  return port
}
