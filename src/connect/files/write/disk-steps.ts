/** Steps on files that the sinks share. Each is whole, or throws; a second time does no harm. */
import { ConflictError } from '../../../base/errors.ts'
import type { Files, OpenFile } from '../../../host/host.ts'

const COPY_BYTES = 256 * 1024

/** The directory of an absolute path. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

/** The name of an absolute path within its directory. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Runs with an open file, and closes it whatever happens. */
export async function withFile<T>(
  files: Files,
  path: string,
  mode: 'read' | 'write' | 'create',
  run: (file: OpenFile) => Promise<T>,
): Promise<T> {
  const file = await files.open(path, mode)
  try {
    return await run(file)
  } finally {
    await file.close()
  }
}

/** Size of a file; undefined if there is none. */
export async function sizeOf(files: Files, path: string): Promise<number | undefined> {
  const facts = await files.stat(path)
  return facts?.kind === 'file' ? facts.sizeBytes : undefined
}

/**
 * Copies all of `from` to `to`, to begin at `offsetBytes`.
 * @returns how many bytes there were
 */
export async function copyInto(from: OpenFile, to: OpenFile, offsetBytes: number): Promise<number> {
  const chunk = new Uint8Array(COPY_BYTES)
  let copied = 0
  for (;;) {
    const count = await from.read(chunk, copied)
    if (count === 0) return copied
    await to.write(chunk.subarray(0, count), offsetBytes + copied)
    copied += count
  }
}

/** What was promised to be there at commit is not. */
export function transactionGone(path: string, why: string, lengthBytes: number): ConflictError {
  return new ConflictError(
    'TRANSACTION_GONE',
    `${lengthBytes} bytes that were prepared for ${path} cannot be committed: ${why}`,
    { path, lengthBytes },
  )
}
