// Targets that are broken on purpose: what the fuzzer must find. In: bytes. Out: a crash, a slow run or an endless one
// behind a few bytes that no seed has, which are found only step by step, by the code that each step reaches.

import type { FuzzTarget } from './fuzzer.ts'

function behind(gate: string, act: (input: Buffer) => void): (input: Buffer) => void {
  const steps = [...gate].map((letter) => letter.charCodeAt(0))
  return (input) => {
    // Written out, so that each step is a block of its own in the coverage.
    if (input[0] !== steps[0]) return
    if (input[1] !== steps[1]) return
    if (input[2] !== steps[2]) return
    act(input)
  }
}

const control = { files: ['test/fuzz/control-targets.ts'], seeds: [Buffer.from('seed')], words: [] }

export const targetsOfControl: readonly FuzzTarget[] = [
  {
    ...control,
    name: 'control: a crash',
    run: behind('<x>', () => {
      throw new TypeError('the planted crash')
    }),
  },
  {
    ...control,
    name: 'control: a slow run',
    run: behind('<x>', () => {
      const began = process.cpuUsage()
      for (let spent = 0; spent < 1_200_000; ) {
        const { user, system } = process.cpuUsage(began)
        spent = user + system
      }
    }),
  },
  {
    ...control,
    name: 'control: an endless run',
    run: behind('<x>', (input) => {
      for (let at = 0; at >= 0; at = (at + 1) % input.length);
    }),
  },
]
