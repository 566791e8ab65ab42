// The unit files of examples/rotate as systemd reads them, and the command line in them as hardkey does.

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { builtEnvironment } from '../peers/peer.ts'
import { Rotating } from '../rotation/rotating.ts'

const folder = resolve(import.meta.dirname, '..', '..', 'examples', 'rotate')
const units = ['hardkey-rotate@.service', 'hardkey-rotate@.timer']
const analyze = '/usr/bin/systemd-analyze'

let at: Rotating
beforeAll(async () => {
  at = await Rotating.make()
})
afterAll(() => at.remove())

it.skipIf(!existsSync(analyze))('are units that systemd takes without a complaint', () => {
  const program = at.home.write('hardkey-program', '#!/bin/sh\n')
  chmodSync(program, 0o755)
  for (const unit of units) {
    at.home.write(`units/${unit}`, readFileSync(resolve(folder, unit), 'utf8').replaceAll('/usr/bin/hardkey', program))
  }
  const env = builtEnvironment({ SYSTEMD_UNIT_PATH: `${at.home.folder}/units:` })
  for (const unit of units) {
    const ran = spawnSync(analyze, ['verify', '--man=no', unit.replace('@', '@prod')], { env, encoding: 'utf8' })
    expect({ unit, status: ran.status, said: ran.stderr }).toEqual({ unit, status: 0, said: '' })
  }
  expect(execFileSync(analyze, ['--version'], { encoding: 'utf8' })).toContain('systemd')
})

it('run a command that finds nothing to do on most days, and says so', async () => {
  const line = /^ExecStart=\/usr\/bin\/hardkey (.*)$/m.exec(readFileSync(resolve(folder, units[0] ?? ''), 'utf8'))?.[1]
  const key = at.iam.keys.get(at.first)
  if (key !== undefined) key.created = new Date()
  const asked: string[][] = []
  for (let day = 1; day <= 2; day += 1) {
    const ran = await at.home.run((line ?? '').replace('%i', 'prod').split(' '))
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(ran.stdout)).toMatchObject({ state: 'not due', accessKeyId: at.first })
    asked.push(at.iam.calls.splice(0).map(({ action }) => action))
  }
  // How old the key is at AWS, once for all.
  expect(asked).toEqual([['GetCallerIdentity', 'ListAccessKeys'], []])
})
