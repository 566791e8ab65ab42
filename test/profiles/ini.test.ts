// The reader of AWS files against the AWS SDK's own, on thousands of random files.

import { externalDataInterceptor, loadSharedConfigFiles } from '@smithy/shared-ini-file-loader'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { iniSettings, readIniLines } from '../../src/profiles/ini.ts'
import { iniText } from './ini-text.ts'

/** What the SDK reads: sections of a credentials file with their settings. */
async function readBySdk(text: string): Promise<Record<string, Record<string, string | undefined>>> {
  externalDataInterceptor.interceptFile('/oracle/credentials', text)
  externalDataInterceptor.interceptFile('/oracle/config', '')
  const { credentialsFile } = await loadSharedConfigFiles({
    filepath: '/oracle/credentials',
    configFilepath: '/oracle/config',
    ignoreCache: true,
  })
  return { ...credentialsFile }
}

function readByUs(text: string): Record<string, Record<string, string>> {
  const bytes = Buffer.from(text)
  const lines = readIniLines(bytes, 'credentials')
  const sections = new Set(lines.flatMap(({ section }) => section ?? []))
  const settings = [...sections].map((section) => [section, Object.fromEntries(iniSettings(bytes, lines, section))])
  return Object.fromEntries(settings.filter(([, values]) => Object.keys(values ?? {}).length > 0))
}

describe('an AWS file', () => {
  it('is read exactly as the AWS SDK reads it, on 20,000 random files', async () => {
    await fc.assert(
      fc.asyncProperty(iniText(), async (text) => {
        expect(readByUs(text)).toEqual(await readBySdk(text))
      }),
      { numRuns: 20_000 },
    )
  })

  it.each([
    ['a value with = and # in it', '[a]\nx = b=c#d'],
    ['a comment after white space', '[a]\nx = b # c\ny = d ;e'],
    ['a nested block and what ends it', '[a]\ns3 =\n  x = 1\n  y = 2\nz = 3\n  w = 4'],
    ['sections of several kinds', '[profile b]\nx = 1\n[services c]\ny = 2\n[foo d]\nz = 3\n[profile  e]\nw = 4'],
    ['quoted names', '[profile "b"]\nx = 1\n[profile \'c\']\nx = 2\n[profile "d\']\nx = 3'],
    ['a byte order mark and CRLF', '\ufeff[a]\r\nx = 1\r\n'],
    ['a section twice, a name twice', '[a]\nx = 1\n[b]\ny = 2\n[a]\nx = 3\n'],
    ['white space that only Unicode knows', '[a]\n\u3000x\u00a0=\u2003b\u200b\u0085\u2028'],
    ['what is no setting', '[a\nx = 1\n[]\ny = 2\n= z\nw'],
  ])('is read as the AWS SDK reads it: %s', async (_, text) => {
    expect(readByUs(text)).toEqual(await readBySdk(text))
  })

  it('B-053: has names such as __proto__ and constructor as ordinary names', () => {
    const bytes = Buffer.from('[__proto__]\n__proto__ = 1\nconstructor = 2\n')
    const settings = iniSettings(bytes, readIniLines(bytes, 'config'), '__proto__')
    expect([...settings]).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ])
  })

  it('keeps secrets out of its settings, in any case and inside a block', () => {
    const bytes = Buffer.from(
      '[a]\naws_secret_access_key = s\nAWS_SESSION_TOKEN = t\naws_secret_access_key =\n  s = t\n',
    )
    expect([...iniSettings(bytes, readIniLines(bytes, 'config'), 'a')]).toEqual([])
  })

  it.each([
    ['is not UTF-8', Buffer.from([0x5b, 0x61, 0x5d, 0x0a, 0x78, 0x3d, 0xff])],
    ['holds a NUL byte', Buffer.from('[a]\nx=\0')],
  ])('B-041: is refused where a line %s, by file and line', (fault, bytes) => {
    expect(() => readIniLines(bytes, 'config')).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: `config:2: the line ${fault}` }),
    )
  })
})
