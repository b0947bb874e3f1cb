/**
 * Copies of what is submitted, before it is: a topology whose only bundle is on a leader that dies would
 * stand on the board and never run.
 */
import { isStreamError } from '../../base/errors.ts'
import type { BlobRef } from '../../cluster/records.ts'
import type { Desk } from '../api/desk.ts'

/** Longest wait. After it the submit is accepted with a warning: no copy is better than no topology. */
const REPLICATE_MS = 5_000

/** @returns a warning, if nobody else has them now although somebody should */
export async function replicate(desk: Desk, refs: readonly BlobRef[]): Promise<string | undefined> {
  const others = [...desk.board.view.nimbuses.values()].filter(({ nimbus }) => nimbus !== desk.nimbus)
  if (others.length === 0) return undefined
  // Who says nothing now is not waited for: it gets its copy when it comes back.
  const answering = others.filter(({ address }) => !desk.peers.isSilent(address))
  const first = firstOf(answering.map(({ address }) => copyTo(desk, address, refs)))
  const late = new Promise<false>((resolve) => desk.host.timers.after(REPLICATE_MS, () => resolve(false)))
  if (await Promise.race([first, late])) return undefined
  return 'no other Nimbus has a copy of the bundle yet: the topology depends on the disk of this one'
}

async function copyTo(desk: Desk, address: string, refs: readonly BlobRef[]): Promise<boolean> {
  try {
    for (const { digest, sizeBytes } of refs) {
      await desk.peers.writeBlob(address, digest, await desk.blobs.read(digest, 0, sizeBytes))
    }
    return true
  } catch (error) {
    if (!isStreamError(error)) throw error
    desk.log.warn('no copy was made', { to: address, code: error.code, message: error.message })
    return false
  }
}

/** True as soon as one is; false when none is. */
async function firstOf(copies: readonly Promise<boolean>[]): Promise<boolean> {
  const ones = copies.map(async (copy) => ((await copy) ? true : Promise.reject(new Error('no copy'))))
  return Promise.any(ones).catch(() => false)
}
