// Edits of AWS files: what else stands there stays byte for byte, and means the same to the AWS SDK.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HardkeyError } from '../../src/errors.ts'
import { iniSettings, readIniLines } from '../../src/profiles/ini.ts'
import { removeIniLines, setIniSettings } from '../../src/profiles/ini-edit.ts'
import { iniText } from './ini-text.ts'

type Reading = Record<string, Record<string, string>>

function reading(text: string): Reading {
  const bytes = Buffer.from(text)
  const lines = readIniLines(bytes, 'config')
  const sections = new Set(lines.flatMap(({ section }) => section ?? []))
  return Object.fromEntries([...sections].map((name) => [name, Object.fromEntries(iniSettings(bytes, lines, name))]))
}

function set(text: string, section: string, header: string, settings: readonly (readonly [string, string])[]): string {
  const bytes = Buffer.from(text)
  const edited = setIniSettings(bytes, readIniLines(bytes, 'config'), { section, header, settings }, 'config')
  return Buffer.from(edited).toString()
}

function remove(text: string, section: string, name: string): string {
  const bytes = Buffer.from(text)
  const lines = readIniLines(bytes, 'config')
  const gone = lines.filter((line) => line.kind === 'setting' && line.section === section && line.name === name)
  return Buffer.from(removeIniLines(bytes, lines, gone, 'config')).toString()
}

/** The edited text, or undefined where the edit was refused because it would change something else. */
function unlessRefused(edit: () => string): string | undefined {
  try {
    return edit()
  } catch (error) {
    if (error instanceof HardkeyError && error.code === 'ERR_CONFIG_INVALID') return undefined
    throw error
  }
}

const setRegion = (text: string): string => set(text, 'profile.a', '[profile a]', [['region', 'new']])

describe('an edit of an AWS file', () => {
  it('changes what it shall and nothing else, on 2,000 random files', () => {
    fc.assert(
      fc.property(iniText(), (text) => {
        const edited = unlessRefused(() => setRegion(text))
        const before = reading(text)
        const wanted = { ...before, 'profile.a': { ...before['profile.a'], region: 'new' } }
        if (edited !== undefined) expect(reading(edited)).toEqual(wanted)
      }),
      { numRuns: 2000 },
    )
  })

  it('keeps every other byte when it adds a setting, on 2,000 random files', () => {
    fc.assert(
      fc.property(iniText(), (text) => {
        const edited = unlessRefused(() => set(text, 'profile.a', '[profile a]', [['fresh', 'new']]))
        if (edited === undefined) return
        const inserted = /(\r?\n)?(\r?\n)?(\[profile a\]\r?\n)?fresh = new\r?\n/.exec(edited)
        const at = inserted?.index ?? Number.NaN
        const rest = edited.slice(at + (inserted?.[0].length ?? 0))
        expect(text.startsWith(edited.slice(0, at)) && text.endsWith(rest)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('takes away what it shall and nothing else, on 2,000 random files', () => {
    fc.assert(
      fc.property(iniText(), (text) => {
        const edited = unlessRefused(() => remove(text, 'a', 'region'))
        const { region: _, ...rest } = reading(text).a ?? {}
        if (edited !== undefined) expect({ a: {}, ...reading(edited) }).toEqual({ ...reading(text), a: rest })
      }),
      { numRuns: 2000 },
    )
  })

  it('replaces a value in its place and keeps the comment behind it', () => {
    expect(setRegion('[profile a]\n  region=old # mine\noutput = json\n')).toBe(
      '[profile a]\n  region=new # mine\noutput = json\n',
    )
  })

  it('adds a setting at the end of its section, before the comments of the next', () => {
    const text = '# top\n[profile a]\noutput = json\n\n# about b\n[profile b]\nregion = x\n'
    expect(setRegion(text)).toBe(text.replace('json\n', 'json\nregion = new\n'))
  })

  it('adds a section at the end, after an empty line, and in the line endings of the file', () => {
    expect(setRegion('[profile b]\r\nregion = x')).toBe(
      '[profile b]\r\nregion = x\r\n\r\n[profile a]\r\nregion = new\r\n',
    )
  })

  it('makes an empty file the section alone', () => {
    expect(setRegion('')).toBe('[profile a]\nregion = new\n')
  })

  it('is refused where an indented line would come to belong to another setting', () => {
    const text = '[a]\ns3 =\n  x = 1\nregion = old\n  y = 2\n'
    expect(() => remove(text, 'a', 'region')).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })
})
