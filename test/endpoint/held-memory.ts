// Memory that this process holds on to. In: nothing. Out: bytes of objects and buffers that are left after a collection.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes in V8's heap and in buffers outside it, after what nobody holds was collected. */
export function heldMemory(): number {
  setFlagsFromString('--expose-gc')
  // A function that V8 adds to new contexts under that flag.
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
