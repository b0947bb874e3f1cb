/**
 * File patterns: which files there are now that a path, or one of several, means.
 *
 *   *      anything within a name          [abc]  one of these, [!abc] none of them
 *   **     any directories, also none      {a,b}  one of these
 *   ?      one character
 *
 * As in shells, a name that begins with a dot is found only by a pattern whose name begins with a dot: files
 * that sinks are still writing are hidden that way.
 */
import { UsageError } from '../../../base/errors.ts'
import type { FileFacts, Files } from '../../../host/host.ts'

const SPECIAL = /[*?[{]/
// Deeper is taken for a circle of symbolic links.
const DEPTH_MAX = 40

/** What was found for one path or pattern. */
export interface Matches {
  readonly paths: readonly string[]
  /** True: `paths` is the one file that was named, or was going to be. */
  readonly isLiteral: boolean
}

/**
 * Files that a path or pattern means, in ascending order.
 * @throws UsageError CONFIG_INVALID_VALUE a path is a directory or a device, or a pattern's
 *   directory does not exist,   unless `mayBeMissing`
 */
export async function matchFiles(files: Files, pattern: string, mayBeMissing: boolean): Promise<Matches> {
  const facts = await files.stat(pattern)
  if (facts !== undefined || !SPECIAL.test(pattern)) return literal(pattern, facts, mayBeMissing)
  const segments = pattern.split('/')
  const firstSpecial = segments.findIndex((segment) => SPECIAL.test(segment))
  const root = segments.slice(0, firstSpecial).join('/')
  const base = root === '' ? (pattern.startsWith('/') ? '/' : '.') : root
  if ((await files.stat(base))?.kind !== 'directory' && !mayBeMissing) throw noDirectory(pattern, base)
  const paths: string[] = []
  const walk = new Walk(files, paths)
  for (const one of expandBraces(segments.slice(firstSpecial).join('/'))) {
    await walk.from(root, pattern.startsWith('/') && root === '', one.split('/').map(toSegment), 0)
  }
  return { paths: [...new Set(paths)].sort(), isLiteral: false }
}

function literal(path: string, facts: FileFacts | undefined, mayBeMissing: boolean): Matches {
  if (facts === undefined) {
    if (mayBeMissing) return { paths: [], isLiteral: true }
    throw new UsageError(
      'CONFIG_INVALID_VALUE',
      `file ${path} does not exist: correct the path, create the file, or wait for it with follow: true`,
      { path },
    )
  }
  if (facts.kind === 'file') return { paths: [path], isLiteral: true }
  const isDirectory = facts.kind === 'directory'
  const why = isDirectory
    ? `is a directory: name its files with a pattern, such as ${path.replace(/\/+$/, '')}/*`
    : 'is neither a file nor a directory: sources read files that can be read again from any position'
  throw new UsageError('CONFIG_INVALID_VALUE', `${path} ${why}`, { path })
}

function noDirectory(pattern: string, base: string): UsageError {
  const message = `the directory ${base} of pattern ${pattern} does not exist: correct it, or create it`
  return new UsageError('CONFIG_INVALID_VALUE', message, { path: pattern, directory: base })
}

/** A part of a pattern between two slashes: a name, a matcher of names, or `**`. */
type Segment = string | RegExp | typeof ANY_DEPTH
const ANY_DEPTH = Symbol('**')

class Walk {
  private readonly files: Files
  private readonly found: string[]

  constructor(files: Files, found: string[]) {
    this.files = files
    this.found = found
  }

  /**
   * Goes on in `directory` ('' is the working directory, or `/` for an absolute pattern) with the rest of a
   * pattern.
   */
  async from(directory: string, isRoot: boolean, segments: readonly Segment[], depth: number): Promise<void> {
    const [first, ...rest] = segments
    if (first === undefined || depth > DEPTH_MAX) return
    const prefix = isRoot ? '/' : directory === '' ? '' : `${directory}/`
    if (typeof first === 'string') {
      await this.take(prefix + first, rest, depth)
      return
    }
    const names = await this.files.list(prefix === '' ? '.' : prefix)
    if (first === ANY_DEPTH) {
      await this.from(directory, isRoot, rest.length === 0 ? [/^[^.]/] : rest, depth)
      for (const name of names) {
        if (name.startsWith('.')) continue
        if ((await this.files.stat(prefix + name))?.kind === 'directory') {
          await this.from(prefix + name, false, segments, depth + 1)
        }
      }
      return
    }
    for (const name of names) if (first.test(name)) await this.take(prefix + name, rest, depth)
  }

  private async take(path: string, rest: readonly Segment[], depth: number): Promise<void> {
    const facts = await this.files.stat(path)
    if (rest.length === 0) {
      if (facts?.kind === 'file') this.found.push(path)
    } else if (facts?.kind === 'directory') {
      await this.from(path, false, rest, depth + 1)
    }
  }
}

/** `a{b,c}d` → `abd`, `acd`. Braces may not be nested. */
function expandBraces(pattern: string): readonly string[] {
  const match = /\{([^{}]*)\}/.exec(pattern)
  if (match === null) return [pattern]
  const before = pattern.slice(0, match.index)
  const after = pattern.slice(match.index + match[0].length)
  return (match[1] ?? '').split(',').flatMap((choice) => expandBraces(before + choice + after))
}

function toSegment(text: string): Segment {
  if (text === '**') return ANY_DEPTH
  if (!SPECIAL.test(text)) return text
  let source = text.startsWith('.') ? '^' : '^(?!\\.)'
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i)
    if (char === '*') source += '[^/]*'
    else if (char === '?') source += '[^/]'
    else if (char === '[' && text.indexOf(']', i + 2) > 0) {
      const end = text.indexOf(']', i + 2)
      const set = text.slice(i + 1, end).replace(/[\\^\]]/g, '\\$&')
      source += set.startsWith('!') ? `[^${set.slice(1)}]` : `[${set}]`
      i = end
    } else source += char.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  }
  return new RegExp(`${source}$`, 'u')
}
