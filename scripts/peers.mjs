#!/usr/bin/env node
// Brings the real devices, servers and clients that tests run against into .peers/: each by pinned version, with a
// marker .peers/state/NAME.json (read by test/peers/peer.ts) and a log .peers/log/NAME.log. What is there already is
// left alone. Slow builds start first, and all run side by side. In: --long brings those of the long run too. Status 1
// when a peer could not be had.

import { mkdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { allThere, installDebianPackages, peersFolder, readMarker, reasonToSkip, recipesOf } from './peer-recipes.mjs'

const stateFolder = join(peersFolder, 'state')
const logFolder = join(peersFolder, 'log')
const lockFile = join(peersFolder, 'lock')

// Tests that run meanwhile come first.
setPriority(constants.priority.PRIORITY_LOW)
for (const folder of [stateFolder, logFolder]) mkdirSync(folder, { recursive: true })
await takeLock()
try {
  if (!(await installAll())) process.exitCode = 1
} finally {
  unlinkSync(lockFile)
}

async function installAll() {
  const all = recipesOf(process.argv.includes('--long'))
  const wanted = all.filter(([name, recipe]) => !isReady(name, recipe))
  for (const [name, recipe] of wanted) writeMarker(name, { state: 'installing', recipe: recipe.version })
  const debian = installDebianPackages(
    wanted.flatMap(([, recipe]) => recipe.packages ?? []),
    join(logFolder, 'debian.log'),
  )
  const results = await Promise.all(wanted.map(([name, recipe]) => install(name, recipe, debian)))
  const there = all.length - results.filter((done) => !done).length
  process.stdout.write(`peers: ${there} of ${all.length} ready\n`)
  return results.every((done) => done)
}

async function install(name, recipe, debian) {
  const began = Date.now()
  const log = join(logFolder, `${name}.log`)
  const folder = join(peersFolder, name)
  try {
    if (recipe.packages !== undefined) {
      const missing = await debian.then(() => reasonToSkip(recipe.packages))
      if (missing !== undefined) throw new Error(missing)
    }
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    writeFileSync(log, '')
    const { paths, version } = await recipe.install(folder, log)
    if (!allThere(paths)) throw new Error(`installed, but not where it should be; see .peers/log/${name}.log`)
    writeMarker(name, { state: 'ready', recipe: recipe.version, version: version ?? recipe.version, paths })
    process.stdout.write(`peers: ${name} ready after ${Math.round((Date.now() - began) / 1000)} s\n`)
    return true
  } catch (error) {
    writeMarker(name, { state: 'failed', recipe: recipe.version, reason: error.message })
    process.stdout.write(`peers: ${name} cannot be had: ${error.message}\n`)
    return false
  }
}

function isReady(name, recipe) {
  const marker = readMarker(name)
  return marker?.state === 'ready' && marker.recipe === recipe.version && allThere(marker.paths)
}

/** Replaces the marker as a whole, so that no reader sees half of it. */
function writeMarker(name, marker) {
  const file = join(stateFolder, `${name}.json`)
  writeFileSync(`${file}.new`, `${JSON.stringify({ ...marker, pid: process.pid })}\n`)
  renameSync(`${file}.new`, file)
}

/** One run at a time: a second one waits, and then finds everything ready. The lock of a dead process is taken over. */
async function takeLock() {
  for (;;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const owner = lockOwner()
    if (owner !== undefined && !isAlive(owner)) rmSync(lockFile, { force: true })
    else await sleep(200)
  }
}

function lockOwner() {
  try {
    const pid = Number(readFileSync(lockFile, 'utf8'))
    return pid > 0 ? pid : undefined
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
