/**
 * Completes package-lock.json: `node tools/lock.ts`, after each `npm install`.
 *
 * Packages with native parts name one optional package per platform. Where a registry mirror does not carry
 * those of other platforms, `npm install` leaves them out of the lock file without a word, and `npm ci` then
 * refuses the file. Here they are put back: exact version from the package that wants them, platform from
 * their name, no hash (npm checks one as soon as a machine of that platform installs it).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Locked {
  readonly version?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** The parts of a lock file that matter here. */
export interface Lock {
  readonly packages: Record<string, Locked & Record<string, unknown>>
}

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

/** Optional packages that a locked package wants and the lock file does not have. */
export function missingFromLock(lock: Lock): Map<string, Record<string, unknown>> {
  const missing = new Map<string, Record<string, unknown>>()
  for (const [place, entry] of Object.entries(lock.packages)) {
    for (const [name, wanted] of Object.entries(entry.optionalDependencies ?? {})) {
      if (placesOf(name, place).some((candidate) => candidate in lock.packages)) continue
      const dev = entry.dev === true ? { dev: true } : {}
      missing.set(`node_modules/${name}`, {
        version: exactVersion(name, wanted),
        ...dev,
        optional: true,
        ...platformOf(name),
      })
    }
  }
  return missing
}

/** Where Node would look for `name` from the package at `place`, nearest first. */
function placesOf(name: string, place: string): string[] {
  const places: string[] = []
  for (let at = place; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    places.push(`${at}/node_modules/${name}`)
  }
  return [...places, `node_modules/${name}`]
}

function exactVersion(name: string, wanted: string): string {
  const version = /^[~^]?(\d+\.\d+\.\d+[\w.-]*)$/.exec(wanted)?.[1]
  if (version === undefined)
    throw new Error(`${name}@${wanted}: no single version can be read from this range`)
  return version
}

function platformOf(name: string): Record<string, unknown> {
  const words = name.split(/[/-]/)
  const os = systems.filter((system) => words.includes(system))
  const cpu = processors.filter((processor) => words.includes(processor))
  if (os.length === 0) throw new Error(`${name}: its name does not say for which platform it is`)
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : []
  return { ...(cpu.length === 0 ? {} : { cpu }), ...(libc.length === 0 ? {} : { libc }), os }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = process.argv[2] ?? fileURLToPath(new URL('../package-lock.json', import.meta.url))
  const lock: Lock = JSON.parse(readFileSync(file, 'utf8'))
  for (const [place, entry] of missingFromLock(lock)) {
    lock.packages[place] = entry
    process.stdout.write(`${place}@${entry['version']}\n`)
  }
  const sorted = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: sorted }, undefined, 2)}\n`)
}
