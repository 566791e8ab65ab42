// The bare device call: SoftHSM loaded into this process by koffi, logged in, one key found. In: a token with one HMAC
// key. Out: its HMAC-SHA256. Names and values from OASIS PKCS#11 Specification 3.1, section 5 and header files.
// Only a benchmark may do this: the package itself never loads a module into its own process.

import koffi from 'koffi'
import type { SoftHsm } from '../test/peers/softhsm.ts'

const CKM_SHA256_HMAC = 0x251
const CKF_SERIAL_SESSION = 4
const CKU_USER = 1

export function bareSoftHsm(hsm: SoftHsm, pin: string): { hmac(data: Uint8Array): Uint8Array } {
  // SoftHSM reads its configuration from the environment of the process that loads it.
  Object.assign(process.env, hsm.environment)
  const library = koffi.load(hsm.module)
  const call = (signature: string): ((...parameters: unknown[]) => void) => {
    const native = library.func(signature)
    return (...parameters) => {
      const status = native(...parameters)
      if (status !== 0) throw new Error(`${signature} answered 0x${status.toString(16)}`)
    }
  }
  const number = (): Buffer => Buffer.alloc(8)
  call('unsigned long C_Initialize(void *args)')(null)
  const [slots, slotCount] = [Buffer.alloc(8 * 16), number()]
  slotCount.writeBigUInt64LE(16n)
  call('unsigned long C_GetSlotList(uint8_t present, void *list, void *count)')(1, slots, slotCount)
  const session = number()
  const openSession = call(
    'unsigned long C_OpenSession(unsigned long slot, unsigned long flags, void *app, void *notify, void *session)',
  )
  openSession(slots.readBigUInt64LE(), CKF_SERIAL_SESSION, null, null, session)
  const handle = session.readBigUInt64LE()
  call('unsigned long C_Login(unsigned long session, unsigned long user, const char *pin, unsigned long length)')(
    handle,
    CKU_USER,
    pin,
    pin.length,
  )
  call('unsigned long C_FindObjectsInit(unsigned long session, void *template, unsigned long count)')(handle, null, 0)
  const [object, found] = [number(), number()]
  const findObjects = call(
    'unsigned long C_FindObjects(unsigned long session, void *objects, unsigned long max, void *count)',
  )
  findObjects(handle, object, 1, found)
  call('unsigned long C_FindObjectsFinal(unsigned long session)')(handle)
  const mechanism = Buffer.alloc(24)
  mechanism.writeBigUInt64LE(BigInt(CKM_SHA256_HMAC))
  const init = call('unsigned long C_SignInit(unsigned long session, void *mechanism, unsigned long key)')
  const sign = call(
    'unsigned long C_Sign(unsigned long session, const void *data, unsigned long length, void *signature, void *signatureLength)',
  )
  const keyHandle = object.readBigUInt64LE()
  return {
    hmac(data) {
      const [answer, length] = [Buffer.alloc(32), number()]
      length.writeBigUInt64LE(32n)
      init(handle, mechanism, keyHandle)
      sign(handle, data, data.length, answer, length)
      return answer
    },
  }
}
