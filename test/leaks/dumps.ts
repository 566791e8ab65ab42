// What a process can be made to tell of itself: a heap snapshot, a diagnostic report, a CPU profile, and by the protocol of
// the inspector every object of its heap with its bytes. In: a folder and a name. Out: files there.

import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { join } from 'node:path'
import { writeHeapSnapshot } from 'node:v8'

export const dumpEnds = ['heapsnapshot', 'report.json', 'cpuprofile', 'objects'] as const

/** `busy` is what the profile sees. */
export async function dumpEverything(folder: string, name: string, busy: () => void): Promise<void> {
  const path = (end: (typeof dumpEnds)[number]): string => join(folder, `${name}.${end}`)
  writeHeapSnapshot(path('heapsnapshot'))
  if (process.report === undefined) throw new Error('this Node writes no reports')
  process.report.writeReport(path('report.json'))
  const session = new Session()
  session.connect()
  await ask(session, 'Profiler.enable')
  await ask(session, 'Profiler.start')
  for (const end = performance.now() + 20; performance.now() < end; ) busy()
  writeFileSync(path('cpuprofile'), JSON.stringify(await ask(session, 'Profiler.stop')))
  await writeObjects(session, path('objects'))
  session.disconnect()
}

/** Buffers with their bytes as they are. */
async function writeObjects(session: Session, path: string): Promise<void> {
  const prototype = await ask(session, 'Runtime.evaluate', {
    expression: 'ArrayBuffer.prototype',
    objectGroup: 'leaks',
  })
  const queried = await ask(session, 'Runtime.queryObjects', {
    prototypeObjectId: idOf(prototype, 'result'),
    objectGroup: 'leaks',
  })
  // Written by the page of the debugger itself: no string is made of the bytes.
  Reflect.set(globalThis, 'leaksSink', (bytes: ArrayBuffer) =>
    writeFileSync(path, new Uint8Array(bytes), { flag: 'a' }),
  )
  const text = 'function () { for (const buffer of this) if (buffer.byteLength > 0) globalThis.leaksSink(buffer) }'
  await ask(session, 'Runtime.callFunctionOn', { objectId: idOf(queried, 'objects'), functionDeclaration: text })
  Reflect.deleteProperty(globalThis, 'leaksSink')
  await ask(session, 'Runtime.releaseObjectGroup', { objectGroup: 'leaks' })
}

function idOf(answer: unknown, member: string): string {
  const id: unknown = Reflect.get(Object(Reflect.get(Object(answer), member)), 'objectId')
  if (typeof id !== 'string') throw new Error(`the inspector gave no ${member}`)
  return id
}

function ask(session: Session, method: string, parameters: object = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error: Error | null, answer?: object) => {
      if (error === null) resolve(answer)
      else reject(error)
    })
  })
}
