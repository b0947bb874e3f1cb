/**
 * Imports modules of a user: TypeScript as it is by Node's type stripping, else bundled by esbuild.
 *
 *   load(path) ──▶ import ──▶ exports
 *                    │ syntax that cannot be stripped (enums …), imports without extension, tsconfig paths
 *                    └▶ esbuild: one module with a source map, packages left out ──▶ import
 *
 * `typhoon` is resolved from where the user's module is. Only where there is none it is this package, so a
 * single file runs without any installation.
 *
 * Does not know: topologies.
 *
 * Invariants
 *   M1  the same path loaded again is read again, with every file of the user's that it imports
 *   M2  `files` are the user's files: none of packages, none of ours
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire, type LoadHookContext, registerHooks } from 'node:module'
import { dirname, extname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** A module, imported. */
export interface LoadedModule {
  readonly exports: Readonly<Record<string, unknown>>
  /** Absolute paths, the module itself first. */
  readonly files: readonly string[]
  readonly way: 'native' | 'bundled'
}

/** A place in a file that cannot be understood. */
export interface SourceProblem {
  readonly message: string
  /** `file:line:column`, absolute. */
  readonly where: string | undefined
}

export type ModuleLoad =
  | { readonly loaded: LoadedModule }
  /** It does not compile. */
  | {
      readonly loaded: undefined
      readonly problems: readonly SourceProblem[]
      readonly files: readonly string[]
    }
  /** It threw while it was evaluated. */
  | { readonly loaded: undefined; readonly thrown: unknown; readonly files: readonly string[] }

export interface ModuleLoader {
  load(path: string): Promise<ModuleLoad>
  /** Files of the last load, also of one that failed. */
  lastFiles(): readonly string[]
}

const OWN_ROOT = new URL('../../../', import.meta.url).href
const OWN_PARTS = ['dist/', 'src/', 'bin/'].map((folder) => OWN_ROOT + folder)
const VERSION = 'typhoon-load'

/** Codes with which Node says that stripping and its own resolution are not enough. */
const needsBundle = new Set([
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_INVALID_MODULE_SPECIFIER',
])

/**
 * Imports modules for one of the user's: `./name` is beside its file, anything else a package it can see.
 * What it does with a module is what `import` does; TypeScript works as far as types can be stripped.
 */
export function importerFor(file: string): (name: string) => Promise<unknown> {
  const require = createRequire(file)
  return async (name) => {
    const path = name.startsWith('.') ? resolve(dirname(file), name) : require.resolve(name)
    return await import(pathToFileURL(path).href)
  }
}

/** One for a process: the hooks stay. */
export function createModuleLoader(): ModuleLoader {
  const loads = new Loads()
  registerHooks({
    resolve: (specifier, context, next) =>
      loads.resolve(specifier, context.parentURL, (asked, parentURL) => {
        return next(asked, parentURL === undefined ? context : { ...context, parentURL })
      }),
    load: (url, context, next) => {
      const bundle = loads.bundleOf(url)
      if (bundle !== undefined) return { format: 'module', source: bundle, shortCircuit: true }
      return next(url, withFormat(url, context))
    },
  })
  return { load: (path) => loads.load(path), lastFiles: () => loads.lastFiles() }
}

interface Resolved {
  readonly url: string
}

class Loads {
  private version = 0
  private files = new Set<string>()
  /** Text by URL. */
  private readonly bundles = new Map<string, string>()

  async load(path: string): Promise<ModuleLoad> {
    this.version += 1
    this.files = new Set([path])
    const url = this.versioned(pathToFileURL(path).href)
    try {
      return this.loadedFrom(await import(url), 'native')
    } catch (error) {
      const files = [...this.files]
      if (!isForBundler(error)) return { loaded: undefined, thrown: error, files }
      return this.loadBundled(path)
    }
  }

  resolve<R extends Resolved>(
    specifier: string,
    parent: string | undefined,
    next: (specifier: string, parentURL?: string) => R,
  ): R {
    const found = isOwnName(specifier) ? orOwn(specifier, next) : next(specifier)
    if (!isUsers(found.url) || (parent !== undefined && !isUsers(parent))) return found
    this.files.add(fileURLToPath(found.url))
    return { ...found, url: this.versioned(found.url) }
  }

  lastFiles(): readonly string[] {
    return [...this.files]
  }

  bundleOf(url: string): string | undefined {
    return this.bundles.get(url)
  }

  private loadedFrom(exports: Readonly<Record<string, unknown>>, way: LoadedModule['way']): ModuleLoad {
    return { loaded: { exports, files: [...this.files], way } }
  }

  private async loadBundled(path: string): Promise<ModuleLoad> {
    const { build } = await import('esbuild')
    try {
      const result = await build({
        entryPoints: [path],
        outfile: `${path}.js`,
        absWorkingDir: dirname(path),
        bundle: true,
        write: false,
        metafile: true,
        format: 'esm',
        platform: 'node',
        target: 'node22',
        packages: 'external',
        sourcemap: 'inline',
        logLevel: 'silent',
      })
      for (const input of Object.keys(result.metafile.inputs)) {
        const file = fileURLToPath(new URL(input, `${pathToFileURL(dirname(path)).href}/`))
        if (existsSync(file)) this.files.add(file)
      }
      const url = `${pathToFileURL(path).href}?${VERSION}=${this.version}&bundled`
      this.bundles.clear()
      this.bundles.set(url, result.outputFiles[0]?.text ?? '')
      return this.loadedFrom(await import(url), 'bundled')
    } catch (error) {
      const files = [...this.files]
      const problems = problemsOf(error, dirname(path))
      return problems === undefined
        ? { loaded: undefined, thrown: error, files }
        : { loaded: undefined, problems, files }
    }
  }

  /** The first load has clean names; a later one needs others, as modules are never forgotten. */
  private versioned(url: string): string {
    if (this.version === 1 || url.includes(`${VERSION}=`)) return url
    return `${url}${url.includes('?') ? '&' : '?'}${VERSION}=${this.version}`
  }
}

function isForBundler(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error && typeof error.code === 'string') {
    return needsBundle.has(error.code)
  }
  // A type imported as if it were a value is a missing export to Node; a bundler leaves it out.
  return error instanceof SyntaxError
}

/** What esbuild found wrong; undefined if `error` is none of its. */
function problemsOf(error: unknown, directory: string): readonly SourceProblem[] | undefined {
  if (!(error instanceof Error) || !('errors' in error) || !Array.isArray(error.errors)) return undefined
  return error.errors.map((one: { text: string; location: EsbuildPlace | null }): SourceProblem => {
    const { text, location } = one
    if (location === null) return { message: text, where: undefined }
    const file = fileURLToPath(new URL(location.file, `${pathToFileURL(directory).href}/`))
    return { message: text, where: `${file}:${location.line}:${location.column + 1}` }
  })
}

interface EsbuildPlace {
  readonly file: string
  readonly line: number
  readonly column: number
}

function isOwnName(specifier: string): boolean {
  return specifier === 'typhoon' || specifier.startsWith('typhoon/')
}

function orOwn<R extends Resolved>(specifier: string, next: (specifier: string, parentURL?: string) => R): R {
  try {
    return next(specifier)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    return next(specifier, import.meta.url)
  }
}

function isUsers(url: string): boolean {
  if (!url.startsWith('file:') || url.includes('/node_modules/')) return false
  return !OWN_PARTS.some((part) => url.startsWith(part))
}

/**
 * Says that a file with `import` or `export` is an ES module where no package.json says so. Node would find
 * out by trying, and warn of it.
 */
function withFormat(url: string, context: LoadHookContext): LoadHookContext {
  if (context.format !== null && context.format !== undefined) return context
  if (!isUsers(url)) return context
  const path = fileURLToPath(url)
  const isTypeScript = extname(path) === '.ts'
  if (!isTypeScript && extname(path) !== '.js') return context
  if (!/^\s*(import|export)\b/m.test(readFileSync(path, 'utf8'))) return context
  return { ...context, format: isTypeScript ? 'module-typescript' : 'module' }
}
