// The judge of faults is itself judged: each criterion, broken on purpose, is named, and a fault that harms nothing passes.

import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HardkeyError } from '../../src/errors.ts'
import { builtEnvironment } from '../peers/peer.ts'
import { brokenCriteria, type Fault, underFault } from './criteria.ts'

const secret = 'canary-secret-4417'
const failed = new HardkeyError('ERR_DEVICE_FAILED', 'the device failed')

/** A fault that harms nothing: an error, and the right answer once it is mended. */
function harmless(): Fault<unknown> {
  let isMended = false
  return {
    act: async () => {
      if (!isMended) throw failed
      return 'right'
    },
    mend: () => {
      isMended = true
    },
    isRight: (answer) => answer === 'right',
    canaries: { secret: Buffer.from(secret) },
  }
}

async function broken(change: Partial<Fault<unknown>>): Promise<readonly string[]> {
  return (await brokenCriteria({ ...harmless(), settleMilliseconds: 500, ...change })).broken
}

async function throwing(error: unknown): Promise<never> {
  throw error
}

/** A count that grows by so much under the fault and stays then. */
function counter(by: number): { act: () => Promise<never>; count: () => number } {
  let count = 0
  const act = (): Promise<never> => {
    count += by
    throw failed
  }
  return { act, count: () => count }
}

describe('a fault that harms nothing', () => {
  it('passes, and gives what came of it', async () => {
    expect(await underFault(harmless())).toEqual({ error: failed })
  })

  it('passes with the right answer', async () => {
    expect(await underFault({ ...harmless(), act: async () => 'right' })).toEqual({ answer: 'right' })
  })

  it('passes with one PIN tried', async () => {
    const { act, count } = counter(1)
    expect(await broken({ act, again: async () => 'right', tries: count })).toEqual([])
  })
})

describe('a broken criterion is named', () => {
  const again = async (): Promise<string> => 'right'

  const ran = (status: number, stdout: string, stderr: string) => async () => ({ status, stdout, stderr })

  it.each<readonly [id: string, what: string, change: Partial<Fault<unknown>>, sentence: string]>([
    ['N2', 'a wrong answer', { act: async () => 'wrong' }, 'N2: another answer than the right one'],
    ['N2', 'a wrong output', { act: ran(0, 'wrong', '') }, 'N2: another answer than the right one'],
    ['N2', 'an output and a status', { act: ran(1, 'right', '') }, 'N2: something on standard output, though'],
    ['N6', 'a secret in a message', { act: () => throwing(new HardkeyError('ERR_INTERNAL', secret)) }, 'N6: secret'],
    ['N6', 'a secret in a cause', { act: () => throwing(new Error('', { cause: Buffer.from(secret) })) }, 'N6: secret'],
    ['N6', 'a secret in base64', { act: ran(1, '', `hardkey: error: ${btoa(secret)}\n`) }, 'N6: secret is seen'],
    ['N6', 'a stack', { act: ran(1, '', '    at main (file.ts:1)\n') }, 'N6: a line that is not ours'],
    ['N7', 'no end', { act: () => new Promise(() => {}), withinMilliseconds: 50 }, 'N7: no end within 50 ms'],
    ['N8', 'a failure that stays', { mend: () => {}, again: () => throwing(failed) }, 'N8: the next call fails: the'],
    ['N8', 'a wrong answer afterwards', { again: async () => 'wrong' }, 'N8: the next call fails'],
  ])('%s: %s', async (_id, _what, change, sentence) => {
    const sentences = await broken({ again, ...change })
    expect(sentences.some((found) => found.startsWith(sentence))).toBe(true)
  })

  it('N1, N4: what was to stay has changed', async () => {
    const { act, count } = counter(1)
    expect(await broken({ act, again, kept: count })).toEqual(['N1, N4: something that must stay was changed'])
  })

  it('N3: another identity was used', async () => {
    const used = ['AKIAOURS', 'AKIAOTHER']
    const sentences = await broken({ identity: { only: 'AKIAOURS', used: () => used } })
    expect(sentences).toEqual(['N3: another identity was used: AKIAOTHER'])
  })

  it('N3: the error lets the SDK go on to the next provider', async () => {
    const error = Object.assign(new Error('no credentials'), { tryNextLink: true })
    const identity = { only: 'AKIAOURS', used: () => [] }
    expect(await broken({ act: () => throwing(error), again, identity })).toHaveLength(1)
  })

  it('N5: a second PIN was tried', async () => {
    const { act, count } = counter(2)
    expect(await broken({ act, again, tries: count })).toEqual(['N5: 2 PINs or passphrases tried under the fault'])
  })
})

describe('what is left behind is named', () => {
  const again = async (): Promise<string> => 'right'

  it('N7: a descriptor', async () => {
    let descriptor = -1
    onTestFinished(() => closeSync(descriptor))
    const act = (): Promise<never> => {
      descriptor = openSync('/dev/null', 'r')
      throw failed
    }
    expect(await broken({ act, again })).toEqual(['N7: 1 more of: descriptor of /dev/null'])
  })

  it('N7: a timer', async () => {
    let timer: NodeJS.Timeout | undefined
    onTestFinished(() => clearInterval(timer))
    const act = (): Promise<never> => {
      timer = setInterval(() => {}, 60_000)
      throw failed
    }
    expect(await broken({ act, again })).toEqual(['N7: 1 more of: timer'])
  })

  it('N7: a child, and a process that has left its parent and carries the marker', async () => {
    const children: number[] = []
    onTestFinished(() => children.forEach((pid) => void process.kill(pid)))
    const act = async (): Promise<never> => {
      children.push(spawn('sleep', ['60'], { stdio: 'ignore' }).pid ?? 0)
      const leaving = spawn('sh', ['-c', 'sleep 60 >/dev/null & echo $!'], {
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...builtEnvironment(), MARK: 'mark-8821' },
      })
      for await (const piece of leaving.stdout) children.push(Number(String(piece)))
      throw failed
    }
    const sentences = await broken({ act, again, marker: 'mark-8821' })
    expect(sentences).toContain('N7: 2 more of: process')
  })
})
