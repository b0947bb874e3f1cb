/** From counts to rates: what the components of a run did between two looks. Pure. */
import type { ComponentStatus } from '../../rpc/contract.ts'
import type { ComponentFigures, RunFigures } from '../../worker/seat/run-figures.ts'

/** Rates are over so long. */
const WINDOW_MS = 10_000
/** From so full an inbox on, who feeds it may be held back. */
const FULL_SHARE = 0.8

interface Look {
  /** Monotonic. */
  readonly atMs: number
  readonly figures: RunFigures
}

export interface Bottleneck {
  readonly component: string
  readonly since: number
  readonly evidence: string
}

/** What is known of components beside their figures. */
export interface ComponentFacts {
  restartCount(componentId: string): number
  lagCount(componentId: string): number | undefined
}

export class RateBook {
  private readonly looks: Look[] = []
  private holding: Bottleneck | undefined = undefined

  /** Takes a look. Call it every second or so. */
  look(atMs: number, figures: RunFigures): void {
    this.looks.push({ atMs, figures })
    while (this.looks.length > 2 && (this.looks[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) this.looks.shift()
    this.judge(figures)
  }

  /** The component whose inbox is full while nothing after it is: it holds the others back. */
  get bottleneck(): Bottleneck | undefined {
    return this.holding
  }

  status(atMs: number, figures: RunFigures, facts: ComponentFacts): readonly ComponentStatus[] {
    const before = this.looks[0] ?? { atMs, figures }
    const seconds = Math.max(0.001, (atMs - before.atMs) / 1_000)
    return [...figures.components.values()].map((each) => {
      return statusOf(each, before.figures.components.get(each.componentId), seconds, facts)
    })
  }

  /** Per second, over the window. */
  totals(atMs: number, figures: RunFigures): { readonly acked: number; readonly failed: number } {
    const before = this.looks[0] ?? { atMs, figures }
    const seconds = Math.max(0.001, (atMs - before.atMs) / 1_000)
    return {
      acked: Math.max(0, figures.ackedCount - before.figures.ackedCount) / seconds,
      failed: Math.max(0, figures.failedCount - before.figures.failedCount) / seconds,
    }
  }

  private judge(figures: RunFigures): void {
    const full = [...figures.components.values()]
      .filter((each) => each.kind === 'bolt' && fillOf(each) >= FULL_SHARE)
      .sort((a, b) => fillOf(b) - fillOf(a) || a.blockedMs - b.blockedMs)
    const [worst] = full
    if (worst === undefined) {
      this.holding = undefined
      return
    }
    const { componentId } = worst
    const fill = Math.round(fillOf(worst) * 100)
    const callMs = worst.executeMs.mean.toFixed(2)
    const evidence = `its inboxes are ${fill} % full, a call takes ${callMs} ms`
    const since = this.holding?.component === componentId ? this.holding.since : figures.atMs
    this.holding = { component: componentId, since, evidence }
  }
}

function statusOf(
  now: ComponentFigures,
  before: ComponentFigures | undefined,
  seconds: number,
  facts: ComponentFacts,
): ComponentStatus {
  const since = (pick: (figures: ComponentFigures) => number): number => {
    return Math.max(0, pick(now) - (before === undefined ? 0 : pick(before)))
  }
  const executed = since(({ executedCount }) => executedCount)
  const loopMs = seconds * 1_000 * Math.max(1, now.executorCount)
  const busy = Math.min(1, (executed * now.executeMs.mean) / loopMs)
  const blocked = Math.min(1 - busy, since(({ blockedMs }) => blockedMs) / loopMs)
  const times = now.kind === 'spout' ? now.completeMs : now.executeMs
  return {
    component: now.componentId,
    kind: now.kind,
    executors: now.executorCount,
    tasks: now.taskCount,
    inPerSecond: executed / seconds,
    outPerSecond: since(({ emittedCount }) => emittedCount) / seconds,
    busy,
    blocked,
    idle: 1 - busy - blocked,
    inboxFill: fillOf(now),
    executeP50: times.quantile(0.5),
    executeP99: times.quantile(0.99),
    ackedCount: now.ackedCount,
    failedCount: now.failedCount,
    restartCount: facts.restartCount(now.componentId),
    lagCount: facts.lagCount(now.componentId),
  }
}

function fillOf({ queuedCount, queueCapacity }: ComponentFigures): number {
  return queueCapacity === 0 ? 0 : Math.min(1, queuedCount / queueCapacity)
}
