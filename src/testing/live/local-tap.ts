/** Taps: a sample of the tuples of a stream as they pass, at a limited rate, for a reader who may be slow. */
import { UsageError } from '../../base/errors.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import type { TapOptions, TappedTuple } from '../../rpc/contract.ts'
import type { StreamHandle } from '../../topology/handle.ts'
import { streamOf, type Topology } from '../../topology/topology.ts'
import type { AnyValues } from '../../topology/tuple.ts'
import type { Probes } from './local-probes.ts'

const RATE_MAX = 100
/** Tuples kept for a slow reader; beyond it they are not seen. */
const KEPT_MAX = 1_000

export interface TapSpec {
  readonly probes: Probes
  readonly host: Host
  readonly componentId: string
  readonly streamId: string
  readonly masked: ReadonlySet<string>
  /** Aborts when the topology ends. */
  readonly end: AbortSignal
}

export async function* tapStream(
  spec: TapSpec,
  options: TapOptions<AnyValues>,
): AsyncGenerator<TappedTuple<AnyValues>> {
  const tap = new Tap(spec, options)
  try {
    let given = 0
    while (given < (options.limit ?? Number.POSITIVE_INFINITY)) {
      const tuple = await tap.next()
      if (tuple === undefined) return
      given += 1
      yield tuple
    }
  } finally {
    tap.stop()
  }
}

/** @throws UsageError UNKNOWN_STREAM */
export function streamIds<V>(
  topology: Topology,
  stream: StreamHandle<V> | string,
): readonly [componentId: string, streamId: string] {
  const [componentId = '', streamId = 'default'] =
    typeof stream === 'string' ? stream.split(':') : [stream.componentId, stream.streamId]
  const component = topology.components.get(componentId)
  if (component !== undefined && streamOf(component, streamId) !== undefined) return [componentId, streamId]
  throw new UsageError('UNKNOWN_STREAM', `tap: there is no stream ${componentId}:${streamId}`, {
    component: componentId,
  })
}

class Tap {
  private readonly kept: TappedTuple<AnyValues>[] = []
  private readonly probe: Stoppable
  private readonly signals: readonly AbortSignal[]
  private wake: () => void = () => undefined
  private secondMs = Number.NEGATIVE_INFINITY
  private inSecond = 0
  private readonly onEnd = () => this.wake()

  constructor(spec: TapSpec, options: TapOptions<AnyValues>) {
    const { probes, host, componentId, streamId, masked, end } = spec
    this.signals = options.signal === undefined ? [end] : [end, options.signal]
    for (const signal of this.signals) signal.addEventListener('abort', this.onEnd)
    const share = options.sample ?? 1
    const random = host.random.split(`tap ${componentId}:${streamId}`)
    const rateMax = options.rateMax ?? RATE_MAX
    this.probe = probes.listen(
      (component, stream) => component === componentId && stream === streamId,
      ({ self, values }) => {
        if (share < 1 && random.next() >= share) return
        if (options.where?.(values) === false || !this.mayPass(host.clock.monotonicMs(), rateMax)) return
        if (this.kept.length >= KEPT_MAX) return
        this.kept.push({ at: host.clock.now(), task: self.task, values: maskedValues(values, masked) })
        this.wake()
      },
    )
  }

  /** undefined: the tap has ended. */
  async next(): Promise<TappedTuple<AnyValues> | undefined> {
    while (this.kept.length === 0 && !this.signals.some((signal) => signal.aborted)) {
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
    return this.kept.shift()
  }

  stop(): void {
    this.probe.stop()
    for (const signal of this.signals) signal.removeEventListener('abort', this.onEnd)
  }

  private mayPass(nowMs: number, rateMax: number): boolean {
    if (nowMs - this.secondMs >= 1_000) {
      this.secondMs = nowMs
      this.inSecond = 0
    }
    this.inSecond += 1
    return this.inSecond <= rateMax
  }
}

/** The values with masked fields replaced. */
export function maskedValues(values: AnyValues, masked: ReadonlySet<string>): AnyValues {
  if (masked.size === 0 || !Object.keys(values).some((name) => masked.has(name))) return values
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, masked.has(name) ? '***' : value]),
  )
}
