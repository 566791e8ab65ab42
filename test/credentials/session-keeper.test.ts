// When a session is renewed, served on, or at its end: by two clocks that a test moves. F-H18, F-C07 to F-C09.

import { describe, expect, it } from 'vitest'
import { type FreshSession, SessionKeeper } from '../../src/credentials/session-keeper.ts'

/** A keeper, its two clocks, and an STS that can be switched off. */
class Scene {
  wall = Date.parse('2026-11-24T12:00:00Z')
  age = 0
  fetches = 0
  isOut = false
  readonly warnings: unknown[] = []
  readonly #lasts: number
  readonly #keeper: SessionKeeper

  constructor(options: { lasts?: number; inBackground?: boolean; ahead?: number; least?: number; last?: number } = {}) {
    this.#lasts = options.lasts ?? 3600
    this.#keeper = new SessionKeeper({
      monotonic: () => this.age,
      refreshAheadSeconds: options.ahead ?? 600,
      mostAhead: 0.5,
      leastSeconds: options.least ?? 60,
      lastSeconds: options.last ?? 0,
      inBackground: options.inBackground ?? true,
      onRefreshFailed: (error) => this.warnings.push(error),
    })
  }

  /** Time passes for both clocks. */
  pass(seconds: number): void {
    this.wall += seconds * 1000
    this.age += seconds * 1000
  }

  async get(force = false): Promise<string> {
    const { accessKeyId } = await this.#keeper.get(() => this.#fetch(), force)
    // What runs in the background ends before the next look.
    await new Promise(setImmediate)
    return accessKeyId
  }

  async #fetch(): Promise<FreshSession> {
    this.fetches += 1
    if (this.isOut) throw new Error(`outage ${this.fetches}`)
    const expiration = new Date(this.wall + this.#lasts * 1000)
    const credentials = { accessKeyId: `ASIA${this.fetches}`, secretAccessKey: 's', sessionToken: 't', expiration }
    return { credentials, clock: () => new Date(this.wall) }
  }
}

describe('a session', () => {
  it('is got once for many callers at once', async () => {
    const scene = new Scene()
    const all = await Promise.all(Array.from({ length: 20 }, () => scene.get()))
    expect([new Set(all).size, scene.fetches]).toEqual([1, 1])
  })

  it('is kept until ten minutes before its end', async () => {
    const scene = new Scene()
    await scene.get()
    scene.pass(2999)
    expect([await scene.get(), scene.fetches]).toEqual(['ASIA1', 1])
  })

  it('is renewed in the background from then on, while the old one is served', async () => {
    const scene = new Scene()
    await scene.get()
    scene.pass(3000)
    expect([await scene.get(), await scene.get(), scene.fetches]).toEqual(['ASIA1', 'ASIA2', 2])
  })

  it('of 15 minutes is renewed after half its life', async () => {
    const scene = new Scene({ lasts: 900 })
    await scene.get()
    scene.pass(449)
    await scene.get()
    expect(scene.fetches).toBe(1)
    scene.pass(1)
    await scene.get()
    expect(scene.fetches).toBe(2)
  })

  it('with less than a minute left is waited for anew', async () => {
    const scene = new Scene()
    await scene.get()
    scene.pass(3540)
    expect(await scene.get()).toBe('ASIA2')
  })

  it('with less left than callers need is waited for anew, and nine tenths of its time ahead where that is less', async () => {
    const scene = new Scene({ ahead: 1750, least: 1560 })
    await scene.get()
    scene.pass(3600 - 1561)
    expect(await scene.get()).toBe('ASIA1')
    scene.pass(3600 - 1560)
    expect(await scene.get()).toBe('ASIA3')
    const short = new Scene({ lasts: 1200, ahead: 1750, least: 1560 })
    await short.get()
    short.pass(600)
    expect(await short.get()).toBe('ASIA1')
    short.pass(1200 - 540)
    expect(await short.get()).toBe('ASIA3')
  })

  it('is got anew when a caller insists', async () => {
    const scene = new Scene()
    await scene.get()
    expect([await scene.get(true), await scene.get()]).toEqual(['ASIA2', 'ASIA2'])
  })

  it('that asks for an MFA code is not renewed while it is good', async () => {
    const scene = new Scene({ inBackground: false })
    await scene.get()
    scene.pass(3539)
    expect([await scene.get(), scene.fetches]).toEqual(['ASIA1', 1])
    scene.pass(1)
    expect(await scene.get()).toBe('ASIA2')
  })
})

describe('a renewal that fails', () => {
  it('F-H18: leaves the old session served, with a warning', async () => {
    const scene = new Scene({ ahead: 900 })
    await scene.get()
    scene.isOut = true
    scene.pass(3600 - 14 * 60)
    expect([await scene.get(), scene.warnings.length]).toEqual(['ASIA1', 1])
  })

  it('F-H18: leaves it served in its last minute too', async () => {
    const scene = new Scene()
    await scene.get()
    scene.isOut = true
    scene.pass(3590)
    expect([await scene.get(), scene.warnings.length]).toEqual(['ASIA1', 1])
  })

  it('F-H18: is an error where less is left of the old one than is ever given', async () => {
    const scene = new Scene({ ahead: 1750, least: 1560, last: 660 })
    await scene.get()
    scene.isOut = true
    scene.pass(3600 - 661)
    expect([await scene.get(), scene.warnings.length]).toEqual(['ASIA1', 1])
    scene.pass(1)
    await expect(scene.get()).rejects.toThrow('outage 3')
    expect(scene.warnings.length).toBe(1)
  })

  it('F-H18: is an error after the end of the old one, never an empty success', async () => {
    const scene = new Scene()
    await scene.get()
    scene.isOut = true
    scene.pass(3600)
    await expect(scene.get()).rejects.toThrow('outage 2')
    await expect(scene.get()).rejects.toThrow('outage 3')
  })

  it('F-H18: is tried again after 30 s, not at every call', async () => {
    const scene = new Scene()
    await scene.get()
    scene.isOut = true
    scene.pass(3100)
    for (let call = 0; call < 50; call += 1) await scene.get()
    expect(scene.fetches).toBe(2)
    scene.pass(30)
    await scene.get()
    expect(scene.fetches).toBe(3)
  })

  it('F-H18: is forgotten when STS is back', async () => {
    const scene = new Scene()
    scene.isOut = true
    await expect(scene.get()).rejects.toThrow('outage 1')
    scene.isOut = false
    expect([await scene.get(), scene.warnings.length]).toEqual(['ASIA2', 0])
  })
})

describe('a clock that jumps', () => {
  it('F-C07: back by two days does not make an ended session good', async () => {
    const scene = new Scene()
    await scene.get()
    scene.pass(3600)
    scene.wall -= 2 * 86_400_000
    expect(await scene.get()).toBe('ASIA2')
  })

  it('F-C08: ahead by two days has a new session got', async () => {
    const scene = new Scene()
    await scene.get()
    scene.wall += 2 * 86_400_000
    expect(await scene.get()).toBe('ASIA2')
  })

  it('F-C09: while the machine sleeps past the end has a new session got at the first call', async () => {
    const scene = new Scene()
    await scene.get()
    scene.wall += 3600 * 1000
    expect(await scene.get()).toBe('ASIA2')
  })
})
