// A client of STS in front of a server that answers by a script, with what it asked of its key source and its pauses.

import { expect } from 'vitest'
import { type DateKeySource, secretDateKeys } from '../../src/sigv4/date-key.ts'
import { type StsClient, type StsClientOptions, stsClient } from '../../src/sts/client.ts'
import { errorXml } from './answers.ts'
import { type Answer, type Loopback, loopback, type Script } from './loopback.ts'

export const identity: { readonly accessKeyId: string; readonly secretAccessKey: string } = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'a secret for tests',
}

/** An answer with AWS's error in it. */
export function refusal(code: string, status = 400): Answer {
  return { status, body: errorXml(code) }
}

/** A matcher for an error that has these members. */
export function failure(expected: object): unknown {
  return expect.objectContaining(expected)
}

export interface Bench extends Loopback {
  readonly client: StsClient
  readonly pauses: readonly number[]
  /** How often the key source was asked for a DateKey. */
  readonly device: { readonly asked: number }
}

/** Pauses are noted, not made. */
export async function bench(script: Script, options: Partial<StsClientOptions> = {}): Promise<Bench> {
  const server = await loopback(script)
  const pauses: number[] = []
  const device = { asked: 0 }
  const source = secretDateKeys({ ...identity, sessionToken: options.keys?.sessionToken })
  const keys: DateKeySource = {
    ...source,
    dateKey(date, call) {
      device.asked += 1
      return source.dateKey(date, call)
    },
  }
  const sleep = async (milliseconds: number): Promise<void> => void pauses.push(milliseconds)
  const client = stsClient({ region: 'eu-west-1', endpoint: server.url, random: () => 0.5, sleep, ...options, keys })
  return { ...server, client, pauses, device }
}
