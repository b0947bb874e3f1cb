/** Paths of nodes: what they may be, and where they are on the server when the coordinator has a root. */
import { UsageError } from '../../base/errors.ts'

/** What a server refuses in paths, as ranges of UTF-16: control characters, pairs, private ones, specials. */
const forbidden: readonly (readonly [number, number])[] = [
  [0x0000, 0x001f],
  [0x007f, 0x009f],
  [0xd800, 0xf8ff],
  [0xfff0, 0xffff],
]

/** @throws UsageError CONFIG_INVALID_VALUE a path that cannot be */
export function checkPath(path: string): void {
  const wrong = wrongIn(path)
  if (wrong === undefined) return
  throw new UsageError('CONFIG_INVALID_VALUE', `path '${path.slice(0, 200)}' ${wrong}`, { path })
}

function wrongIn(path: string): string | undefined {
  if (path === '/') return undefined
  if (!path.startsWith('/')) return 'does not begin with /'
  if (path.endsWith('/')) return 'ends with /'
  if (path.includes('//')) return 'has an empty part'
  if (/\/\.{1,2}(\/|$)/.test(path)) return 'has a part . or ..'
  return hasForbidden(path) ? 'has a character that ZooKeeper does not allow' : undefined
}

function hasForbidden(path: string): boolean {
  for (let i = 0; i < path.length; i += 1) {
    const unit = path.charCodeAt(i)
    // Letters and digits, which is nearly always all.
    if (unit >= 0x20 && unit < 0x7f) continue
    if (forbidden.some(([first, last]) => unit >= first && unit <= last)) return true
  }
  return false
}

/** A chroot as it stands in front of paths. @throws UsageError CONFIG_INVALID_VALUE */
export function rootOf(chroot: string | undefined): string {
  if (chroot === undefined || chroot === '' || chroot === '/') return ''
  checkPath(chroot)
  return chroot
}

/** A checked path, on the server. */
export function serverPath(root: string, path: string): string {
  if (root === '') return path
  return path === '/' ? root : root + path
}

/** A server's path, as callers know it; undefined: it is not below the root. */
export function relativePath(root: string, path: string): string | undefined {
  if (root === '') return path
  if (path === root) return '/'
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined
}

/** The node above. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

/** `/a/b/c` → `/a`, `/a/b`, `/a/b/c`. */
export function partsDown(path: string): string[] {
  const names = path.split('/').slice(1)
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`)
}
