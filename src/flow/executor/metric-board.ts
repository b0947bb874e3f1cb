/** Counters, gauges and histograms that components made for themselves. One board a worker. */
import { Histogram } from '../../base/histogram.ts'

export class MetricCounter {
  value = 0

  add(count = 1): void {
    this.value += count
  }
}

export type UserMetric =
  | { readonly kind: 'counter'; readonly counter: MetricCounter }
  | { readonly kind: 'gauge'; readonly read: () => number }
  | { readonly kind: 'histogram'; readonly histogram: Histogram }

export interface NamedMetric {
  readonly componentId: string
  readonly task: number
  readonly name: string
  readonly metric: UserMetric
}

export class MetricBoard {
  private readonly byKey = new Map<string, NamedMetric>()

  all(): readonly NamedMetric[] {
    return [...this.byKey.values()]
  }

  counter(componentId: string, task: number, name: string): MetricCounter {
    const known = this.byKey.get(keyOf(componentId, task, name))?.metric
    if (known?.kind === 'counter') return known.counter
    const counter = new MetricCounter()
    this.put(componentId, task, name, { kind: 'counter', counter })
    return counter
  }

  gauge(componentId: string, task: number, name: string, read: () => number): void {
    this.put(componentId, task, name, { kind: 'gauge', read })
  }

  histogram(componentId: string, task: number, name: string): Histogram {
    const known = this.byKey.get(keyOf(componentId, task, name))?.metric
    if (known?.kind === 'histogram') return known.histogram
    const histogram = new Histogram()
    this.put(componentId, task, name, { kind: 'histogram', histogram })
    return histogram
  }

  private put(componentId: string, task: number, name: string, metric: UserMetric): void {
    this.byKey.set(keyOf(componentId, task, name), { componentId, task, name, metric })
  }
}

function keyOf(componentId: string, task: number, name: string): string {
  return `${componentId}/${task}/${name}`
}
