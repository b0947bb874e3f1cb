/** Files for a log that is written line by line, synchronously, over Node's. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

export const nodeLogOut = {
  sizeOf(path: string): number {
    return statSync(path, { throwIfNoEntry: false })?.size ?? 0
  },

  append(path: string, text: string): void {
    try {
      appendFileSync(path, text)
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error
      mkdirSync(dirname(path), { recursive: true })
      appendFileSync(path, text)
    }
  },

  rename: renameSync,
}
