/**
 * The jars of a real server, fetched once per checkout by Maven from the pinned pom beside this file.
 *
 * They land in node_modules/.cache/typhoon-servers/NAME. Several test processes may ask at once: the first
 * fetches, the others wait for it.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'

const here = import.meta.dirname
const cache = join(here, '..', '..', 'node_modules', '.cache', 'typhoon-servers')
const pom = join(here, 'pom.xml')

const FETCH_TIMEOUT_MS = 180_000
const FETCH_ATTEMPTS = 3
/** A lock that old was left behind by a process that was killed. */
const LOCK_AGE_MAX_MS = FETCH_ATTEMPTS * FETCH_TIMEOUT_MS + 10_000
const LOOK_AGAIN_MS = 100

/** Folder with the jars of a server, by the name of its profile. @throws Error with what Maven said */
export async function jarsOf(server: string): Promise<string> {
  const version = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12)
  const folder = join(cache, `${server}-${version}`)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  const lock = `${folder}.lock`
  while (!tryLock(lock)) {
    if (existsSync(folder)) return folder
    await passed(LOOK_AGAIN_MS)
  }
  try {
    if (!existsSync(folder)) fetch(server, folder)
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
  return folder
}

function tryLock(lock: string): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch {
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > LOCK_AGE_MAX_MS) rmSync(lock, { recursive: true, force: true })
    return false
  }
}

function fetch(server: string, folder: string): void {
  const unfinished = `${folder}.${process.pid}`
  let said = ''
  for (let attempt = 1; attempt <= FETCH_ATTEMPTS; attempt += 1) {
    rmSync(unfinished, { recursive: true, force: true })
    const args = ['-q', '-B', '-f', pom, '-P', server, `-Djars.into=${unfinished}`, 'generate-resources']
    const done = spawnSync('mvn', args, { encoding: 'utf8', timeout: FETCH_TIMEOUT_MS })
    if (done.status === 0) {
      renameSync(unfinished, folder)
      return
    }
    said = `${done.stdout ?? ''}${done.stderr ?? ''}${done.error ?? ''}`
  }
  rmSync(unfinished, { recursive: true, force: true })
  throw new Error(`the jars of ${server} could not be fetched: ${said.slice(0, 2_000)}`)
}

let missing: string | undefined
let wasLookedFor = false

/**
 * What is missing on this machine to run real servers; undefined: nothing. On a CI machine it is installed,
 * once; elsewhere the caller skips and says why.
 */
export function whatJavaLacks(): string | undefined {
  if (wasLookedFor) return missing
  wasLookedFor = true
  missing = lacking()
  if (missing !== undefined && process.env['CI'] !== undefined) {
    installJava()
    missing = lacking()
  }
  return missing
}

/** Several test processes find out at once: one installs, the others wait, for apt-get lets in one only. */
function installJava(): void {
  mkdirSync(cache, { recursive: true })
  const lock = join(cache, 'java.lock')
  while (!tryLock(lock)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS)
  try {
    if (lacking() === undefined) return
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const packages = ['openjdk-17-jdk-headless', 'maven']
    spawnSync('apt-get', ['update'], { stdio: 'ignore', timeout: FETCH_TIMEOUT_MS, env })
    const args = ['install', '-y', '--no-install-recommends', ...packages]
    spawnSync('apt-get', args, { stdio: 'ignore', timeout: 2 * FETCH_TIMEOUT_MS, env })
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function lacking(): string | undefined {
  const absent = [
    ['java', '-version'],
    ['mvn', '-v'],
  ].filter(([command = '', arg = '']) => spawnSync(command, [arg], { stdio: 'ignore' }).status !== 0)
  return absent.length === 0 ? undefined : `no ${absent.map(([command]) => command).join(', no ')} here`
}
