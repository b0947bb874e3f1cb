/**
 * Watches the machine it runs on, and says when a figure leaves its usual range and when it is back.
 *
 *   machine ─fields(metric)─▶ detect ×2 ─global─▶ alerts (printed)
 *      ╰─────global─────────▶ board ─────global─▶ figures (printed every 2 s)
 *
 * Shows: an endless source that is real, state per key, a timer per key, ticks, two streams of results.
 */
import {
  bolt,
  defineTopology,
  fields,
  type Infer,
  keyedBolt,
  plainSink,
  spoutFrom,
  timer,
  valueState,
} from 'typhoon'
import { z } from 'zod'
import { readMachine } from './machine.ts'

const Sample = fields({ metric: 'string', value: 'number', at: 'int' })
const Alert = fields({ metric: 'string', event: 'string', value: 'number', usual: 'number', at: 'int' })
type Alert = Infer<typeof Alert>
const Figures = fields({ text: 'string', at: 'int' })

/**
 * Raised at three deviations from the average, cleared below one and a half: it does not flap at one limit.
 */
const RAISE = 3
const CLEAR = 1.5
/** Weight of the newest sample in the moving average. */
const WEIGHT = 0.1
/** Samples before anything is called unusual. */
const WARM_UP = 20
const SILENT_AFTER_MS = 10_000

interface Usual {
  readonly mean: number
  readonly variance: number
  readonly seenCount: number
}

const detect = keyedBolt({
  input: Sample,
  key: 'metric',
  output: Alert,
  state: {
    usual: valueState<Usual>({ initial: () => ({ mean: 0, variance: 0, seenCount: 0 }) }),
    raisedAt: valueState<number>(),
    silence: timer('processing-time'),
  },
  execute(tuple, out, { usual, raisedAt, silence }) {
    const { metric, value, at } = tuple.values
    silence.set(at + SILENT_AFTER_MS)
    const before = usual.get()
    usual.set(withSample(before, value))
    if (before.seenCount < WARM_UP) return
    const score = Math.abs(value - before.mean) / deviationOf(before)
    const isRaised = raisedAt.get() !== undefined
    if (!isRaised && score > RAISE) {
      raisedAt.set(at)
      out.emit({ metric, event: 'raised', value, usual: before.mean, at })
    } else if (isRaised && score < CLEAR) {
      raisedAt.clear()
      out.emit({ metric, event: 'cleared', value, usual: before.mean, at })
    }
  },
  onTimer: {
    silence({ key: metric, time }, out, { usual }) {
      out.emit({ metric, event: 'silent', value: 0, usual: usual.get().mean, at: time })
    },
  },
})

/** Exponentially weighted mean and variance. The first samples weigh as in a plain average. */
function withSample({ mean, variance, seenCount }: Usual, value: number): Usual {
  const weight = Math.max(WEIGHT, 1 / (seenCount + 1))
  const off = value - mean
  return {
    mean: mean + weight * off,
    variance: (1 - weight) * (variance + weight * off * off),
    seenCount: seenCount + 1,
  }
}

/** A figure that hardly ever moves is not unusual because it moved a little. */
function deviationOf({ mean, variance }: Usual): number {
  return Math.max(Math.sqrt(variance), 0.05 * Math.abs(mean), 1e-3)
}

const board = bolt({
  input: Sample,
  output: Figures,
  tickInterval: '2s',
  prepare: (context) => ({ latest: new Map<string, number>(), now: context.now }),
  execute(tuple, _out, { latest }) {
    latest.set(tuple.values.metric, tuple.values.value)
  },
  onTick(out, { latest, now }) {
    if (latest.size === 0) return
    const text = [...latest].map(([metric, value]) => `${metric} ${shown(metric, value)}`).join('  ')
    out.emit({ text, at: now() })
  },
})

const figuresSink = plainSink({
  input: Figures,
  write(items) {
    for (const { text, at } of items) console.log(`${clock(at)}  ${text}`)
  },
})

const alertsSink = plainSink({
  input: Alert,
  write(items) {
    for (const alert of items) console.log(`${clock(alert.at)}  ${alertText(alert)}`)
  },
})

export function alertText({ metric, event, value, usual }: Alert): string {
  const usually = `usually ${shown(metric, usual)}`
  if (event === 'raised') return `▲ ${metric} ${shown(metric, value)}, ${usually}`
  return event === 'cleared'
    ? `▼ ${metric} ${shown(metric, value)} again`
    : `? ${metric} is silent, ${usually}`
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 19)
}

function shown(metric: string, value: number): string {
  if (metric === 'cpu' || metric === 'memory') return `${Math.round(value * 100)} %`
  if (metric === 'loop-delay') return `${value.toFixed(1)} ms`
  return metric === 'load' ? value.toFixed(2) : `${Math.round(value / 1_024)} KiB/s`
}

export const monitoring = defineTopology({
  name: 'server-monitoring',
  args: z.object({ everyMs: z.coerce.number().int().min(50).default(250) }),
  build(builder, { everyMs }) {
    const machine = spoutFrom(Sample, (context) => readMachine(everyMs, context.now, context.signal))
    const samples = builder.setSpout('machine', machine)
    const alerts = builder.setBolt('detect', detect, 2).fieldsGrouping(samples, 'metric')
    const figures = builder.setBolt('board', board).globalGrouping(samples)
    builder.setBolt('alerts', alertsSink).globalGrouping(alerts)
    builder.setBolt('figures', figuresSink).globalGrouping(figures)
    return { samples, alerts, figures }
  },
})

export default monitoring
