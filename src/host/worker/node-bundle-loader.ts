/**
 * Imports bundles: one file of JavaScript each, whatever its name, in which `typhoon` was left out. That is
 * this very package, wherever the file stands: a topology and the engine that runs it share their classes.
 *
 * Does not know: topologies.
 */
import { readFileSync } from 'node:fs'
import { enableCompileCache, registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

/** The package's folder of code as a URL: frames of our own begin with it. */
export const ownCodeUrl = new URL('../..', import.meta.url).href

export interface BundleLoader {
  /** Exports of a module: the file is read once in a process. */
  load(path: string): Promise<Readonly<Record<string, unknown>>>
  /** Imports a door of this package ahead of time: `typhoon`. */
  preload(specifier: string): Promise<void>
}

/** One for a process: the hooks stay. Stack traces show the user's own files from now on. */
export function createBundleLoader(): BundleLoader {
  const bundles = new Set<string>()
  const doors = ownDoors()
  process.setSourceMapsEnabled(true)
  registerHooks({
    resolve(specifier, context, next) {
      const url = doors.get(specifier)
      if (url !== undefined) return { url, shortCircuit: true }
      return next(specifier, context)
    },
    load(url, context, next) {
      return next(url, bundles.has(url) ? { ...context, format: 'module' } : context)
    },
  })
  return {
    async load(path) {
      const { href } = pathToFileURL(path)
      bundles.add(href)
      return await import(href)
    },
    async preload(specifier) {
      await import(doors.get(specifier) ?? specifier)
    },
  }
}

/**
 * Compiled code is kept there for the next process. A directory that cannot be written to costs time only.
 */
export function keepCompiled(directory: string): void {
  enableCompileCache(directory)
}

/**
 * `typhoon`, `typhoon/files` …: the URLs of what the package exports. Run from its sources, it is its
 * sources.
 */
function ownDoors(): ReadonlyMap<string, string> {
  const { name, exports }: PackageFile = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  )
  const isSource = import.meta.url.endsWith('.ts')
  const doors = new Map<string, string>()
  for (const [path, target] of Object.entries(exports)) {
    if (typeof target === 'string' || !target.default.startsWith(BUILT)) continue
    const inCode = target.default.slice(BUILT.length)
    const file = isSource ? inCode.replace(/\.js$/, '.ts') : inCode
    doors.set(`${name}${path.slice(1)}`, `${ownCodeUrl}${file}`)
  }
  return doors
}

const BUILT = './dist/'

interface PackageFile {
  readonly name: string
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>
}
