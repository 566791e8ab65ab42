// Who counts as others: the modes that a user other than root meets, judged without being one.

import { describe, expect, it } from 'vitest'
import { changeableByOthers, readableByOthers } from '../../src/files/ownership.ts'

const user = 1000

describe('a file of user 1000', () => {
  it('may be written by the group that is theirs alone', () => {
    expect(changeableByOthers({ uid: user, gid: user, mode: 0o664 }, user)).toBeUndefined()
  })

  it('may not be written by a group of several', () => {
    expect(changeableByOthers({ uid: user, gid: 50, mode: 0o664 }, user)).toBe('is writable by its group (mode 0664)')
  })

  it('may not be read by a group when it is secret', () => {
    expect(readableByOthers({ uid: user, gid: user, mode: 0o640 }, user)).toBe('is readable by its group (mode 0640)')
  })
})

describe('a file of root, read by user 1000', () => {
  it('may be lent through its group, as systemd and Kubernetes do', () => {
    expect(readableByOthers({ uid: 0, gid: 2000, mode: 0o440 }, user)).toBeUndefined()
  })

  it('may not be readable by everyone when it is secret', () => {
    expect(readableByOthers({ uid: 0, gid: 0, mode: 0o444 }, user)).toBe('is readable by others (mode 0444)')
  })
})

it('judges nothing on a system without such modes', () => {
  expect(changeableByOthers({ uid: 0, gid: 0, mode: 0o666 }, undefined)).toBeUndefined()
})
