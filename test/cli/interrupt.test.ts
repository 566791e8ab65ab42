// What a signal means while its listeners change hands.

import { afterEach, expect, it } from 'vitest'
import { onHangup } from '../../src/cli/interrupt.ts'

const first = (): void => {}
const counts: number[] = []
const count = (name: string | symbol): void => {
  if (name === 'SIGHUP') counts.push(process.listenerCount('SIGHUP'))
}

afterEach(() => {
  process.removeListener('removeListener', count)
  process.removeAllListeners('SIGHUP')
})

it('hears a hangup at every moment, while it gets another meaning', () => {
  process.on('SIGHUP', first)
  process.on('removeListener', count)
  let heard = 0
  onHangup(() => {
    heard += 1
  })
  process.emit('SIGHUP', 'SIGHUP')
  expect([counts, heard]).toEqual([[1], 1])
})
