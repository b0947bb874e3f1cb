/** Paths of the tree: what one may be, its parent, its place below a root. */
import { UsageError } from '../../base/errors.ts'

/** @throws UsageError CONFIG_INVALID_VALUE */
export function checkPath(path: string): void {
  const why = faultOf(path)
  if (why === undefined) return
  // JSON, because what is wrong may well be a character that no log shows.
  throw new UsageError('CONFIG_INVALID_VALUE', `${JSON.stringify(path)} is no path of a node: ${why}`, {
    path,
  })
}

function faultOf(path: string): string | undefined {
  if (!path.startsWith('/')) return 'it does not begin with /'
  if (path === '/') return undefined
  if (path.endsWith('/')) return 'it ends with /'
  for (const part of path.slice(1).split('/')) {
    if (part === '') return 'it has an empty part'
    if (part === '.' || part === '..') return `it has a part ${part}`
  }
  for (let index = 0; index < path.length; index += 1) {
    if (isForbidden(path.charCodeAt(index))) return `character ${index} is not allowed`
  }
  return undefined
}

/** Control characters, surrogates, private use and the last of the plane, as ZooKeeper has it. */
function isForbidden(unit: number): boolean {
  return (
    unit <= 0x1f || (unit >= 0x7f && unit <= 0x9f) || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0
  )
}

/** Of a path that is not the root. */
export function parentOf(path: string): string {
  const end = path.lastIndexOf('/')
  return end <= 0 ? '/' : path.slice(0, end)
}

/** The last part. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** `path`, which is relative to `root`, as seen from above `root`. */
export function below(root: string, path: string): string {
  if (root === '/') return path
  return path === '/' ? root : root + path
}

/** The opposite of `below`. */
export function relativeTo(root: string, path: string): string {
  if (root === '/') return path
  return path.length === root.length ? '/' : path.slice(root.length)
}
