/** docs/reference/metrics.md: every metric of the engine. Made of src/worker/metric-names.ts. */
import { type MetricRow, metricRows } from '../../src/worker/metric-names.ts'
import { code, pageHead, table } from './markdown.ts'

const intro = `
What a metrics reporter is given: [figures](../guide/operate-and-debug.md#figures-of-your-own). Counters are
totals since the worker started. Histograms have cumulative buckets, a count and a sum, in seconds; how many
calls are measured says \`topology.stats.sample.rate\`.

A figure is that of a component in one worker: its tasks there are added up. Labels are \`topology\`,
\`worker\` (its number, from 1) and \`component\`; figures of streams have \`stream\`, too. Counts of the
whole topology are sums over workers.

Counters, gauges and histograms that components make for themselves come under the names they were given,
with the same labels. Their histograms are in their own unit; bounds are the powers of ten from 0.001 to
10,000,000.

`

const owners: Readonly<Record<MetricRow['of'], string>> = {
  all: 'spouts and bolts',
  spouts: 'spouts',
  bolts: 'bolts',
}

export function metricsPage(): string {
  const rows = metricRows.map((row) => [
    code(row.name),
    row.type,
    owners[row.of],
    ['topology', 'worker', 'component', ...(row.isPerStream ? ['stream'] : [])].map(code).join(' '),
    row.meaning,
  ])
  const head = ['Metric', 'Type', 'Of', 'Labels', 'Meaning']
  return [pageHead('Metrics', 'src/worker/metric-names.ts'), intro, table(head, rows), '\n'].join('')
}
