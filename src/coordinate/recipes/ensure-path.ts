/** Makes a node and its parents, where they are missing. */
import { hasCode } from '../../base/errors.ts'
import type { Coordinator } from '../coordinator.ts'

/** A node that is there is left as it is. `data` is for the last one. */
export async function ensurePath(
  coordinator: Coordinator,
  path: string,
  data: Uint8Array = new Uint8Array(0),
): Promise<void> {
  if (path === '/' || (await coordinator.exists(path)) !== undefined) return
  const parent = path.slice(0, Math.max(1, path.lastIndexOf('/')))
  await ensurePath(coordinator, parent)
  try {
    await coordinator.create(path, data)
  } catch (error) {
    // Somebody else was faster, or our own create whose answer was lost.
    if (!hasCode(error, 'RECORD_EXISTS')) throw error
  }
}
