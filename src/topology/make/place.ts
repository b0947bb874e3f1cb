/**
 * Where in the user's code a call was made, as `file:line:column`, so that a finding leads there.
 *
 * Taken from a stack, which costs some microseconds: at building only, never per tuple.
 */

/** Of the package, sources or built. In a bundle it is where the bundle lies. */
const OWN_ROOT = new URL('../../', import.meta.url).href

/**
 * The caller of `entry`, which must be on the stack. Frames of our own package are stepped over: the Streams
 * DSL calls `setBolt`, too. Where all frames are our own (in a bundle) it is the nearest
 * one.
 */
export function callerOf(entry: (...args: never) => unknown): string | undefined {
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, entry)
  const frames = (holder.stack ?? '').split('\n').flatMap((line) => frameOf(line) ?? [])
  const outside = frames.find((frame) => !isOwn(frame.url))
  const frame = outside ?? frames[0]
  return frame === undefined ? undefined : `${frame.path}:${frame.position}`
}

/** Our own tests lie between our sources, and use them like anybody else. */
function isOwn(url: string): boolean {
  return url.startsWith(OWN_ROOT) && !/\.test\.ts$/.test(url)
}

interface Frame {
  readonly url: string
  readonly path: string
  readonly position: string
}

function frameOf(line: string): Frame | undefined {
  const found = /^\s*at (?:.* \()?(.+?):(\d+:\d+)\)?$/.exec(line)
  const [, source, position] = found ?? []
  if (source === undefined || position === undefined || source.startsWith('node:')) return undefined
  if (!source.startsWith('file:')) return { url: `file://${source}`, path: source, position }
  return { url: source, path: decodeURIComponent(new URL(source).pathname), position }
}
