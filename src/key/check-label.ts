// The input of the check value (lifecycle/check-value.ts), which no date can be. In: nothing.
// Out: its bytes.

/** The bytes of "hardkey check 1": what the device is asked for. A date rule of a device approves them too. */
export function checkLabel(): Uint8Array {
  return Buffer.from('hardkey check 1', 'ascii')
}
