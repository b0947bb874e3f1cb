/**
 * A module of a user and all that it imports, as one file of JavaScript, for machines that have none of it.
 *
 * `typhoon` stays outside: workers have their own copy. Source maps stay inside, so that errors name
 * lines of the user's files. The same files give the same bytes, in whatever directory they are.
 *
 * Does not know: topologies.
 */
import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, relative, resolve } from 'node:path'
import type { BuildFailure, Message, Plugin } from 'esbuild'
import { UsageError, UserCodeError } from '../base/errors.ts'

export interface BundleSpec {
  /** Absolute. */
  readonly file: string
  readonly bytesMax: number
}

const NATIVE = /\.node$/
/** Packages whose only purpose is to find native parts at run time. */
const FINDERS = /^(bindings|node-gyp-build|node-pre-gyp|@mapbox\/node-pre-gyp|prebuild-install)$/
/** CommonJS among ESM asks for modules of Node by `require`. */
const BANNER = [
  "import { createRequire as __typhoonRequire } from 'node:module';",
  'const require = __typhoonRequire(import.meta.url);',
].join(' ')

/**
 * @throws UserCodeError BUNDLE_NOT_POSSIBLE it does not compile, imports what is not there, or has native
 * parts;
 *   UsageError BUNDLE_TOO_LARGE
 */
export async function bundleModule({ file, bytesMax }: BundleSpec): Promise<Uint8Array> {
  const { build } = await import('esbuild')
  const path = realpathSync(file)
  try {
    const { outputFiles } = await build({
      entryPoints: [path],
      absWorkingDir: dirname(path),
      outfile: `${basename(path).replace(/\.[^.]+$/, '')}.mjs`,
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node22',
      external: ['typhoon', 'typhoon/*'],
      banner: { js: BANNER },
      sourcemap: 'inline',
      // Frames need places, not the text that stands there.
      sourcesContent: false,
      // What the nodes need is the code; names in it are shown by errors.
      keepNames: true,
      charset: 'utf8',
      logLevel: 'silent',
      plugins: [refuseNative],
    })
    const bytes = outputFiles[0]?.contents ?? new Uint8Array()
    if (bytes.length > bytesMax) throw tooLarge(path, bytes.length, bytesMax)
    return bytes
  } catch (error) {
    throw isBuildFailure(error) ? notPossible(error.errors, dirname(path)) : error
  }
}

/**
 * A place, as stacks of a bundle tell it, among the sources: its map counts from the bundle, wherever that
 * lies, as if it lay beside the module `file` that it was made of. Places of others stay as they are.
 */
export function placeInSources(place: string, bundlePath: string, file: string): string {
  const [, path = '', numbers = ''] = /^(.*?)((?::\d+)*)$/.exec(place) ?? []
  const there = resolve(dirname(realpathSync(file)), relative(dirname(bundlePath), path))
  return !existsSync(path) && existsSync(there) ? `${there}${numbers}` : place
}

const refuseNative: Plugin = {
  name: 'refuse-native',
  setup(build) {
    build.onResolve({ filter: NATIVE }, ({ path }) => ({ errors: [{ text: nativeText(path) }] }))
    build.onResolve({ filter: FINDERS }, ({ path, importer }) => ({
      errors: [{ text: nativeText(`what '${path}' would find for ${basename(dirname(importer))}`) }],
    }))
  },
}

function nativeText(what: string): string {
  return `${what} is native: it runs on one kind of machine only, so it cannot be part of a bundle`
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
}

function notPossible(errors: readonly Message[], directory: string): UserCodeError {
  const [first] = errors
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  const message = `${first?.text ?? 'no reason given'}${more}`
  const place = first?.location
  if (place === undefined || place === null) return new UserCodeError('BUNDLE_NOT_POSSIBLE', message)
  // Columns count from 0 there, and from 1 wherever people look.
  const where = `${absolute(directory, place.file)}:${place.line}:${place.column + 1}`
  return new UserCodeError('BUNDLE_NOT_POSSIBLE', message, { where })
}

function absolute(directory: string, file: string): string {
  return file.startsWith('/') ? file : realpathOr(`${directory}/${file}`)
}

function realpathOr(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // Of a plugin or a virtual module: there is no such file, its name says enough.
    return path
  }
}

function tooLarge(path: string, sizeBytes: number, bytesMax: number): UsageError {
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1)
  const has = `the bundle of ${basename(path)} has ${mib(sizeBytes)} MiB`
  const message = `${has}, at most ${mib(bytesMax)} MiB are taken`
  return new UsageError('BUNDLE_TOO_LARGE', message, { sizeBytes, bytesMax })
}
