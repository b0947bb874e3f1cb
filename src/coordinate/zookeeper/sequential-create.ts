/**
 * Making a sequential node whose name is not known before: if the answer is lost, nobody can tell by the path
 * whether it was made. So its name carries a tag by which it is found again.
 *
 *   /locks/lock-  ─▶  create /locks/lock-TAG-  ─ answer lost ─▶  look for lock-TAG-… ─ there ─▶ its path
 *                            ▲                                          │ not there
 *                            ╰──────────────────────────────────────────╯
 *
 * Looking comes after `sync` on a new connection: a server takes nothing more of the old one by then.
 */
import { isStreamError } from '../../base/errors.ts'
import { hexOf } from '../../base/int64.ts'
import type { Host } from '../../host/host.ts'
import { parentOf } from './node-path.ts'

export interface SequentialSpec {
  readonly host: Host
  /** For everything together. */
  readonly callTimeoutMs: number
  readonly create: (taggedPath: string) => Promise<string>
  /** Names, not older than the call. */
  readonly children: (path: string) => Promise<readonly string[]>
  readonly whenConnected: (timeoutMs: number) => Promise<void>
}

/** @throws the error of the last try */
export async function createSequential(path: string, spec: SequentialSpec): Promise<string> {
  const { host, create } = spec
  const untilMs = host.clock.monotonicMs() + spec.callTimeoutMs
  const tagged = `${path}${tagOf(host)}-`
  for (;;) {
    try {
      return await create(tagged)
    } catch (error) {
      if (!isOutcomeUnknown(error)) throw error
      const found = await findAgain(tagged, spec, untilMs, error)
      if (found !== undefined) return found
    }
  }
}

/** @returns undefined: it was not made, for sure. @throws `lost` if that cannot be found out in time */
async function findAgain(
  tagged: string,
  spec: SequentialSpec,
  untilMs: number,
  lost: unknown,
): Promise<string | undefined> {
  const parent = parentOf(tagged)
  const above = parent === '/' ? '/' : `${parent}/`
  const name = tagged.slice(above.length)
  for (;;) {
    const leftMs = untilMs - spec.host.clock.monotonicMs()
    if (leftMs <= 0) throw lost
    try {
      await spec.whenConnected(leftMs)
      const names = await spec.children(parent)
      const found = names.find((each) => each.startsWith(name))
      return found === undefined ? undefined : above + found
    } catch (error) {
      if (!isStreamError(error) || error.code !== 'COORDINATOR_UNAVAILABLE') throw error
    }
  }
}

function isOutcomeUnknown(error: unknown): boolean {
  return (
    isStreamError(error) && error.code === 'COORDINATOR_UNAVAILABLE' && error.details['outcome'] === 'unknown'
  )
}

function tagOf(host: Host): string {
  const words = new Int32Array(2)
  host.random.fill(words)
  const [hi = 0, lo = 0] = words
  return hexOf(hi, lo)
}
