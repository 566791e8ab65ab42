// Builds that are broken on purpose, for scripts/controls.mjs: in each one file of the tree has a few words replaced, and the named test must then fail. `from` must stand exactly once in the file. `says` must stand in what the failing
// test shows, so that it fails for this reason and no other.

/** A module that is loaded into the caller's own process, by the code that its own process has. */
const ownProcess = [
  {
    from: "import type { Act } from './messages.ts'",
    to: `import { createRequire } from 'node:module'
import { layoutOf } from './layout.ts'
import { ModuleHost } from './module-host.ts'
import type { Act } from './messages.ts'`,
  },
  {
    from: '  readonly #reader = new FrameReader()',
    to: `  readonly #reader = new FrameReader()
  #host = new ModuleHost(() => createRequire(\`\${process.cwd()}/a.js\`)('koffi'), layoutOf(process.platform, process.arch))`,
  },
  {
    from: '    const child = spawn(process.execPath, [childPath()], {',
    to: `    Object.assign(process.env, environment)
    const child = spawn(process.execPath, [childPath()], {`,
  },
  {
    from: '        this.#requests.write(frame, () => frame.fill(0))',
    to: `        const [request] = new FrameReader().push(Uint8Array.from(frame))
        const answer = this.#host.perform(request.head, request.bytes)
        resolve({ head: JSON.parse(JSON.stringify(answer.head)), bytes: answer.bytes ?? new Uint8Array(0) })`,
  },
]

export const brokenBuilds = [
  {
    name: 'a PIN is tried twice',
    file: 'src/backends/pkcs11/token-session.ts',
    replacements: [
      {
        from: 'await client.login(pin, context.signal)',
        to: 'await client.login(pin, context.signal).catch(() => client.login(pin, context.signal))',
      },
    ],
    test: { file: 'test/backends/pkcs11/login.peer.test.ts', name: 'F-P01: tries a wrong PIN once' },
    says: /^\+ +2,$/m,
  },
  {
    name: 'the length of an answer is not checked',
    file: 'src/key/guard.ts',
    replacements: [{ from: 'if (answer.length === answerLength) return', to: 'if (answer.length >= 0) return' }],
    test: { file: 'test/key/guard.test.ts', name: 'of 31 bytes is refused and wiped' },
    says: /should have failed/,
  },
  {
    name: 'an attribute is not read back',
    file: 'src/backends/pkcs11/import.ts',
    replacements: [{ from: 'const found = flaws(told, hasLogin)', to: 'const found: readonly string[] = []' }],
    test: {
      file: 'test/backends/pkcs11/import.peer.test.ts',
      name: 'F-P24: removes the object where the token does not keep CKA_EXTRACTABLE (tell 0x162 1)',
    },
    says: /resolved|instead of rejecting/,
  },
  {
    name: 'the wipe is left out',
    file: 'src/key/secret.ts',
    replacements: [{ from: '    this.#bytes.fill(0)\n', to: '' }],
    test: { file: 'test/key/secret.test.ts', name: 'is gone when it was wiped' },
    says: /AssertionError/,
  },
  {
    name: 'the date guard is off by one',
    file: 'src/sigv4/date-window.ts',
    replacements: [{ from: 'daysAhead <= 1 ', to: 'daysAhead <= 2 ' }],
    test: { file: 'test/sigv4/date-key.test.ts', name: 'refuses two days ahead before the device is asked' },
    says: /resolved|instead of rejecting/,
  },
  {
    name: 'a redirect is followed',
    file: 'src/http/client.ts',
    replacements: [
      {
        from: 'return exchange(pool, targetOf(request.url), request, {',
        to: 'const ask = (url: string) => exchange(pool, targetOf(url), request, {',
      },
      {
        from: 'sending,\n        signals: signal === undefined ? [closing.signal] : [signal, closing.signal],\n      })',
        to: `sending,
        signals: signal === undefined ? [closing.signal] : [signal, closing.signal],
      })
      const answer = await ask(request.url)
      const { location } = answer.headers
      return location === undefined ? answer : ask(new URL(location, request.url).href)`,
      },
    ],
    test: { file: 'test/http/client.test.ts', name: 'is a redirect 302 as it is, never followed' },
    says: /^\+ +2,$/m,
  },
  {
    name: 'XML is not bounded',
    file: 'src/query/xml.ts',
    replacements: [{ from: 'const deepest = 8', to: 'const deepest = 80_000' }],
    test: { file: 'test/query/xml.test.ts', name: 'refuses nine elements deep' },
    says: /toBeUndefined|undefined/,
  },
  {
    name: "the module runs in hardkey's own process",
    file: 'src/backends/pkcs11/child-process.ts',
    replacements: ownProcess,
    test: {
      file: 'test/backends/pkcs11/parent.peer.test.ts',
      name: 'F-P21: what a module prints reaches neither standard output nor standard error',
    },
    says: /junk/,
  },
  {
    name: 'a record is written in place',
    file: 'src/files/replace-atomically.ts',
    replacements: [
      {
        from: 'await writeBesideAndRename(target, bytes, options.mode ?? 0o600, options.overwrite ?? true)',
        to: 'await (await import("node:fs/promises")).writeFile(target, bytes)',
      },
    ],
    test: {
      file: 'test/files/replace-atomically.test.ts',
      name: 'gives the file that a reader opened before in its old form',
    },
    says: /AssertionError/,
  },
  {
    name: 'a PIN stands in an error',
    file: 'src/backends/pkcs11/token-session.ts',
    replacements: [
      {
        from: 'throw await withTriesLeft(error, client, token)',
        to: 'throw new HardkeyError("ERR_PIN_INCORRECT", `the PIN ${Buffer.from(pin ?? [])} was refused`)',
      },
    ],
    test: {
      file: 'test/backends/pkcs11/contract.peer.test.ts',
      name: 'tells a wrong PIN as such, tries it once and shows no secret',
    },
    says: /wrongPin/,
  },
  {
    name: 'the Name of the salting key is not compared',
    file: 'src/backends/tpm2/wire/salt.ts',
    replacements: [{ from: 'Buffer.compare(key.name, pinnedName) !== 0', to: 'pinnedName.length === 0' }],
    test: {
      file: 'test/backends/tpm2/active-proxy.peer.test.ts',
      name: 'F-T17: 1 of 4: refuses a swapped public area before a salt leaves',
    },
    says: /AssertionError/,
  },
  {
    name: 'the session HMAC of an answer is not checked',
    file: 'src/backends/tpm2/wire/authorized-command.ts',
    replacements: [{ from: ' || !timingSafeEqual(mac, expected)) return false', to: ') return false' }],
    test: {
      file: 'test/backends/tpm2/active-proxy.peer.test.ts',
      name: 'F-T16: 2 of 4: refuses a flipped bit in the HMAC',
    },
    says: /resolved|instead of rejecting/,
  },
  {
    name: 'kDate crosses the bus in clear',
    file: 'src/backends/tpm2/wire/authorized-command.ts',
    replacements: [
      { from: '(encrypt === true ? TPMA_SESSION.encrypt : 0)', to: '0' },
      { from: '  decryptParameters(command.authorizations, parameters)\n', to: '' },
    ],
    test: {
      file: 'test/backends/tpm2/active-proxy.peer.test.ts',
      name: 'answers while nobody does anything, and not in clear',
    },
    says: /expected true to be false/,
  },
  {
    name: 'handles stay in the TPM after a failure',
    file: 'src/backends/tpm2/wire/tpm.ts',
    replacements: [
      {
        from: 'if (!this.#handles.delete(handle) || this.isBroken) return',
        to: 'if (this.#handles.delete(handle) || true) return',
      },
    ],
    test: {
      file: 'test/faults/tpm2-states.peer.test.ts',
      name: 'F-T13: a PCR that changed is named, costs no try, and when it is back the key works',
    },
    says: /TPM_RC_OBJECT_MEMORY/,
  },
  {
    name: 'a wrapped key is taken without its proof',
    file: 'src/lifecycle/compare-key.ts',
    replacements: [{ from: '  if (proof === undefined) return true\n', to: '  if (proof !== null) return true\n' }],
    test: {
      file: 'test/backends/tpm2/wrapped.peer.test.ts',
      name: 'to the ecc-ek is refused, whichever byte it is, and leaves nothing',
    },
    says: /AssertionError/,
  },
  {
    name: 'the journal of a rotation comes after the call',
    file: 'src/lifecycle/rotate.ts',
    replacements: [{ from: '  await beginJournal(run.path, rotation)\n', to: '' }],
    test: {
      file: 'test/rotation/failures.test.ts',
      name: 'asks for no second key where the answer of the first is lost',
    },
    says: /ERR_STS_UNREACHABLE/,
  },
  {
    name: 'the old key leaves the device before the new one has signed',
    file: 'src/lifecycle/rotation-end.ts',
    replacements: [
      {
        from: '  const sts = await run.keys.sts(next)\n',
        to: `  await run.removeFromDevice(recordUri({ ...run.parts.stored, record: rotation.old }))
  const sts = await run.keys.sts(next)\n`,
      },
    ],
    test: {
      file: 'test/rotation/crashes.test.ts',
      name: 'at any moment leaves a key that works, and is gone on with',
    },
    says: /expected false to be true/,
  },
  {
    name: 'a new key is switched to before AWS knows it',
    file: 'src/lifecycle/rotation-end.ts',
    replacements: [{ from: '  await whenSettled(() => sts.getCallerIdentity(run.options), run.parts)\n', to: '' }],
    test: {
      file: 'test/rotation/times.test.ts',
      name: 'F-R05: that IAM still refuses after 90 s is kept for --resume',
    },
    says: /AssertionError/,
  },
  {
    name: 'the answer with a new secret is not wiped',
    file: 'src/iam/new-access-key.ts',
    replacements: [{ from: '    body.fill(0)\n', to: '' }],
    test: { file: 'test/iam/new-access-key.test.ts', name: 'gives the ID and the secret, and is wiped' },
    says: /expected false to be true/,
  },
  {
    name: 'a device is asked for any date',
    file: 'src/sigv4/date-key.ts',
    replacements: [{ from: '      refuseDistantDate(date, instant)\n', to: '' }],
    test: {
      file: 'test/leaks/device-inputs.test.ts',
      name: 'L-13: no input to a public function makes a device compute more than three days and two labels',
    },
    says: /to not include undefined/,
  },
  {
    name: 'a PIN that was refused is forgotten',
    file: 'src/cli/device/pin-latch.ts',
    replacements: [{ from: '{ name, identity, ...verdict }', to: "{ name, identity: 'of another', ...verdict }" }],
    isBuilt: true,
    test: {
      file: 'test/faults/many-starts.peer.test.ts',
      name: 'F-P01: is not tried again by another command, whatever is kept',
    },
    says: /it is not tried again/,
  },
  {
    name: 'a rotation tries a PIN that was refused before',
    file: 'src/lifecycle/rotation-keys.ts',
    replacements: [{ from: 'guard(uri, () => this.#compared(uri, record))', to: 'this.#compared(uri, record)' }],
    isBuilt: true,
    test: {
      file: 'test/rotation/pin.peer.test.ts',
      name: 'F-P01: in a systemd credential, a new file at each start of the unit, is tried once',
    },
    says: /once it is corrected/,
  },
  {
    name: 'an import asks AWS for a key before it has written that down',
    file: 'src/cli/check-in/created-key.ts',
    replacements: [{ from: '  await writeCreation(path, begun)\n', to: '' }],
    isBuilt: true,
    test: {
      file: 'test/cli/create-for-cut-off.test.ts',
      name: 'F-R03: killed before the answer arrives leaves no lost key behind',
    },
    says: /AssertionError/,
  },
  {
    name: 'a session under 20 minutes is given to AWS tools',
    file: 'src/credentials/kept-session.ts',
    replacements: [{ from: 'leastSecondsForTools: number = 20 * 60', to: 'leastSecondsForTools: number = 60' }],
    test: { file: 'test/credentials/kept-session.test.ts', name: 'while 20 minutes are left, or 26' },
    says: /expected true to be false/,
  },
  {
    name: 'the endpoint answers under any Host',
    file: 'src/endpoint/request-guard.ts',
    replacements: [{ from: 'host === undefined || !isOurHost(host)', to: 'host === undefined' }],
    isBuilt: true,
    test: { file: 'test/endpoint/attacks.test.ts', name: 'another name gets nothing' },
    says: /to include 200/,
  },
  {
    name: 'a session is asked for before the token is known',
    file: 'src/endpoint/container-service.ts',
    replacements: [
      {
        from: "    if (method !== 'GET') return onlyFor('GET')",
        to: "    void Promise.resolve(sessions.get()).catch(() => undefined)\n    if (method !== 'GET') return onlyFor('GET')",
      },
    ],
    isBuilt: true,
    test: { file: 'test/endpoint/attacks.test.ts', name: 'gets nothing' },
    says: /expected \d to be \d/,
  },
  {
    name: 'the metadata service gives a session to its last minute',
    file: 'src/cli/commands/serve.ts',
    replacements: [{ from: 'leastSeconds: 26 * 60, lastSeconds: 11 * 60', to: 'leastSeconds: 60, lastSeconds: 0' }],
    isBuilt: true,
    test: { file: 'test/cli/serve-windows.test.ts', name: 'gives less than 26 minutes to nobody' },
    says: /Timed out in waitUntil|expected \[ 25/,
  },
  {
    name: 'a token is known by its beginning',
    file: 'src/endpoint/caller-token.ts',
    replacements: [
      {
        from: 'timingSafeEqual(this.#given, this.#token)',
        to: 'timingSafeEqual(this.#given.subarray(0, 16), this.#token.subarray(0, 16))',
      },
    ],
    test: { file: 'test/endpoint/caller-token.test.ts', name: 'is known again, and no other text is' },
    says: /expected true to be false/,
  },
  {
    name: 'exec leaves a secret access key to its program',
    file: 'src/cli/program/program-environment.ts',
    replacements: [{ from: 'SECRET_(?:ACCESS_)?KEY|', to: '' }],
    test: { file: 'test/cli/program/program-environment.test.ts', name: 'has no AWS_SECRET_ACCESS_KEY' },
    says: /AWS_SECRET_ACCESS_KEY/,
  },
  {
    name: 'content is not synced before its name',
    file: 'src/files/replace-atomically.ts',
    replacements: [{ from: '      await file.sync()\n', to: '' }],
    isBuilt: true,
    test: {
      file: 'test/faults/power-cut.peer.test.ts',
      name: 'syncs each file before its name, and each name before what follows',
    },
    says: /content of prod\.rotation\.json/,
  },
  {
    name: 'a new name is not synced',
    file: 'src/files/replace-atomically.ts',
    replacements: [{ from: '    await handle.sync()\n', to: '' }],
    isBuilt: true,
    test: {
      file: 'test/faults/power-cut.peer.test.ts',
      name: 'leaves a key that works at whatever call the power goes',
    },
    says: /prod\.rotation\.json/,
  },
  {
    name: 'a new folder is not synced',
    file: 'src/files/replace-atomically.ts',
    replacements: [{ from: '  await syncFolder(parent)\n', to: '' }],
    isBuilt: true,
    test: {
      file: 'test/faults/power-cut.peer.test.ts',
      name: 'leaves the source or a key that works at whatever call the power goes',
    },
    says: /AssertionError/,
  },
]
