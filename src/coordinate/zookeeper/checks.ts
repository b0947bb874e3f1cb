/** What callers may ask for, looked at before it is sent: a server would end the connection of all calls. */
import { UsageError } from '../../base/errors.ts'
import { type CreateOptions, DATA_BYTES_MAX, type Operation } from '../coordinator.ts'

const VERSION_MAX = 2 ** 31 - 1
/** What fits beside the mark of such nodes. Given by the protocol. */
const TTL_MS_MAX = 2 ** 40 - 1

/** @throws UsageError RECORD_TOO_LARGE */
export function checkSize(path: string, sizeBytes: number): void {
  if (sizeBytes <= DATA_BYTES_MAX) return
  const limit = DATA_BYTES_MAX
  const message = `${sizeBytes} bytes for ${path}, at most ${limit} fit`
  throw new UsageError('RECORD_TOO_LARGE', message, { path, sizeBytes, limit })
}

/** @throws UsageError CONFIG_INVALID_VALUE */
export function checkVersion(path: string, version: number): void {
  if (Number.isInteger(version) && version >= -1 && version <= VERSION_MAX) return
  throw new UsageError('CONFIG_INVALID_VALUE', `version ${version} of ${path} cannot be`, { path, version })
}

/** @throws UsageError CONFIG_INVALID_VALUE */
export function checkCreate(path: string, { mode = 'persistent', ttlMs }: CreateOptions): void {
  // Its number would be added to the name of the chroot: a node beside it.
  if (path === '/' && mode.endsWith('sequential'))
    throw new UsageError('CONFIG_INVALID_VALUE', 'a sequential node needs a name', { path, mode })
  if (ttlMs === undefined) return
  if (!mode.startsWith('persistent'))
    throw new UsageError('CONFIG_INVALID_VALUE', `${path}: a node that is ${mode} has no lifetime`, {
      path,
      mode,
    })
  if (!Number.isInteger(ttlMs) || ttlMs <= 0 || ttlMs > TTL_MS_MAX)
    throw new UsageError('CONFIG_INVALID_VALUE', `${path}: a lifetime of ${ttlMs} ms cannot be`, {
      path,
      ttlMs,
    })
}

/** @throws UsageError RECORD_TOO_LARGE, CONFIG_INVALID_VALUE. Paths are looked at elsewhere. */
export function checkMulti(operations: readonly Operation[]): void {
  let sizeBytes = 0
  for (const operation of operations) {
    const { kind, path } = operation
    if (kind === 'create' || kind === 'set') sizeBytes += operation.data.length
    if (kind === 'create') checkCreate(path, operation.options ?? {})
    else checkVersion(path, operation.version ?? -1)
  }
  checkSize(`a multi of ${operations.length}`, sizeBytes)
}
