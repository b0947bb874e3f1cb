/** How much sources still have to read, where they can say it. Asked at most once at a time. */
import type { Host } from '../../host/host.ts'
import type { LocalRun } from '../../testing/local-run.ts'
import type { RuntimeReplayableSpoutSpec } from '../../topology/definition.ts'
import type { Topology } from '../../topology/topology.ts'

interface Asked {
  readonly componentId: string
  readonly spec: RuntimeReplayableSpoutSpec
  /** One of ours: knows what to do without a position. */
  readonly isOwn: boolean
}

export class SourceLag {
  /** Records still to read; undefined: not known. */
  count: number | undefined = undefined
  private readonly asked: readonly Asked[]
  private isAsking = false

  constructor(topology: Topology, host: Host) {
    this.asked = [...topology.components.values()].flatMap(({ id, definition }): readonly Asked[] => {
      if (definition.kind !== 'spout' || definition.form !== 'replayable') return []
      const { spec } = definition
      // What a connector takes is a host; topology, where its type is written, may not say so.
      const bound = spec.bindHost?.(host as never)
      return [{ componentId: id, spec: bound ?? spec, isOwn: bound !== undefined }]
    })
  }

  /** Asks the sources; `count` is there a little later. */
  look(run: LocalRun): void {
    if (this.isAsking || this.asked.length === 0) return
    this.isAsking = true
    this.sum(run)
      .then((count) => {
        this.count = count
      })
      .catch(() => {
        // A source that cannot say it now: for the user that is the same as one that never can.
        this.count = undefined
      })
      .finally(() => {
        this.isAsking = false
      })
  }

  private async sum(run: LocalRun): Promise<number | undefined> {
    const progress = run.workers.flatMap((worker) => worker.progress())
    let total = 0
    for (const { componentId, spec, isOwn } of this.asked) {
      if (spec.lag === undefined) return undefined
      for (const each of progress) {
        if (each.componentId !== componentId) continue
        const position = each.position ?? run.positions.stored(componentId, each.partition)
        if (position === undefined && !isOwn) return undefined
        total += await spec.lag(each.partition, position)
      }
    }
    return Number.isFinite(total) ? total : undefined
  }
}
