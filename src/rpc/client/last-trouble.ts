/**
 * What went wrong last in a topology, in one line, for whoever waits for it: the newest of its errors, or
 * else how a worker ended that is to start again.
 *
 * Asked at most once a second, however often it is looked at.
 */
import type { WorkerStatus } from '../nimbus-api.ts'
import type { NimbusClient } from '../nimbus-client.ts'
import type { WaitHost } from './waiting.ts'

const ASK_MS = 1_000
const TEXT_MAX = 160

export class LastTrouble {
  /** undefined: nothing is known. What was, stays: a worker that starts again has not mended it. */
  text: string | undefined
  private readonly nimbus: NimbusClient
  private readonly clock: WaitHost['clock']
  private readonly name: string
  private askedMs = Number.NEGATIVE_INFINITY

  constructor(nimbus: NimbusClient, { clock }: WaitHost, name: string) {
    this.nimbus = nimbus
    this.clock = clock
    this.name = name
  }

  /** @throws what the calls throw */
  async look(): Promise<string | undefined> {
    const nowMs = this.clock.monotonicMs()
    if (nowMs - this.askedMs < ASK_MS) return this.text
    this.askedMs = nowMs
    const [newest] = await this.nimbus.call('errors', [this.name])
    const found =
      newest === undefined
        ? endOf(await this.nimbus.call('workers', [this.name]))
        : `${newest.component}: ${newest.code} ${newest.message}`
    if (found !== undefined) this.text = oneLine(found)
    return this.text
  }
}

function endOf(workers: readonly WorkerStatus[]): string | undefined {
  const ended = workers.find(({ why, phase }) => why !== '' && phase === 'backing-off')
  return ended && `worker ${ended.worker} on ${ended.node}: ${ended.why}`
}

/** Messages of user code have lines, and control characters that a terminal would obey. */
export function oneLine(text: string): string {
  const plain = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()
  return plain.length <= TEXT_MAX ? plain : `${plain.slice(0, TEXT_MAX - 1)}…`
}
