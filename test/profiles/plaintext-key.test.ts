// The plaintext key of a profile: found, read as bytes, removed; the rest of the files stays byte for byte.

import { chmodSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { editAwsFiles, replaceAwsFile } from '../../src/profiles/edit-aws-files.ts'
import { findPlaintextKey, plaintextKey, removePlaintextKey } from '../../src/profiles/plaintext-key.ts'
import { expectNoCanary } from '../contract/canary.ts'
import { awsFiles, textOf } from './aws-files.ts'

const id = 'AKIAQ3EGRZ5UXAMPLE2A'
const secret = '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'
const lines = `aws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`
const before = `# keys\n[default]\nregion = x\n\n[p]\n# made by hand\n${lines}output = json\n`

function shown(text: { lend<T>(use: (bytes: Uint8Array) => T): T }): string {
  return text.lend((bytes) => Buffer.from(bytes).toString())
}

describe('the plaintext key of a profile', () => {
  it('is read with the file it stands in', async () => {
    const files = awsFiles({ credentials: before })
    const key = await plaintextKey(files, 'p')
    expect([key.accessKeyId, shown(key.secret), key.files]).toEqual([id, secret, [files.credentials]])
  })

  it('is put together from both files, credentials first', async () => {
    const files = awsFiles({ config: `[profile p]\n${lines}`, credentials: '[p]\naws_access_key_id = OTHER\n' })
    const key = await plaintextKey(files, 'p')
    expect([key.accessKeyId, shown(key.secret)]).toEqual(['OTHER', secret])
  })

  it('is found by file and line, without a look at the secret', async () => {
    const files = awsFiles({ credentials: before })
    expect(await findPlaintextKey(files, 'p')).toEqual([`${files.credentials}:7`, `${files.credentials}:8`])
  })

  it('is none where the profile has none', async () => {
    const files = awsFiles({ credentials: before })
    expect(await findPlaintextKey(files, 'default')).toEqual([])
    await expect(plaintextKey(files, 'default')).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })

  it('B-008: is refused where it is one of temporary credentials', async () => {
    const files = awsFiles({ credentials: `[p]\n${lines}aws_session_token = t\n` })
    await expect(plaintextKey(files, 'p')).rejects.toMatchObject({ code: 'ERR_SECRET_INVALID' })
  })

  it('is in no error, wherever the file is malformed', async () => {
    const files = awsFiles({ credentials: `[p]\naws_access_key_id = ${id}\naws_secret_access_key =\n  ${secret}\n` })
    const error = await plaintextKey(files, 'p').catch((refusal: unknown) => refusal)
    expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    expectNoCanary(error, { secret: Buffer.from(secret) })
  })
})

describe('removing the plaintext key', () => {
  it('takes its two lines and leaves every other byte', async () => {
    const files = awsFiles({ credentials: before })
    const removed = await removePlaintextKey(files, 'p', id)
    expect([textOf(files.credentials), removed]).toEqual([
      before.replace(lines, ''),
      { files: [files.credentials], remains: [] },
    ])
  })

  it('keeps CRLF, indentation, other keys and a last line without an end', async () => {
    const text = `[q]\r\n${lines}[p]\r\n  x=1\r\n${lines.replaceAll('\n', '\r\n')}[r]\r\naws_secret_access_key=other`
    const files = awsFiles({ credentials: text })
    const { remains } = await removePlaintextKey(files, 'p', id)
    expect(textOf(files.credentials)).toBe(`[q]\r\n${lines}[p]\r\n  x=1\r\n[r]\r\naws_secret_access_key=other`)
    expect(remains).toEqual([`${files.credentials}:3`])
  })

  it('says where a comment still holds the secret', async () => {
    const files = awsFiles({ credentials: `# ${secret}\n[p]\n${lines}` })
    expect((await removePlaintextKey(files, 'p', id)).remains).toEqual([`${files.credentials}:1`])
  })

  it('is refused where the profile holds another key by now', async () => {
    const files = awsFiles({ credentials: before })
    await expect(removePlaintextKey(files, 'p', 'AKIAOTHER')).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    expect(textOf(files.credentials)).toBe(before)
  })

  it('is refused where others can change the file', async () => {
    const files = awsFiles({ credentials: before })
    chmodSync(files.credentials, 0o622)
    await expect(removePlaintextKey(files, 'p', id)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })

  it('takes the key from both files where both hold it', async () => {
    const files = awsFiles({ config: `[profile p]\n${lines}region = x\n`, credentials: before })
    await removePlaintextKey(files, 'p', id)
    expect([textOf(files.config), textOf(files.credentials)]).toEqual([
      '[profile p]\nregion = x\n',
      before.replace(lines, ''),
    ])
  })

  it('leaves a file alone that another program changed meanwhile', async () => {
    const files = awsFiles({ credentials: before })

    const editing = editAwsFiles(files, async ([, file]) => {
      writeFileSync(files.credentials, 'theirs')
      await replaceAwsFile(file, Buffer.from('ours'))
    })
    await expect(editing).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    expect(textOf(files.credentials)).toBe('theirs')
  })
})
