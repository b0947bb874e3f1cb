import { describe, expect, test } from 'vitest'
import { Histogram } from '../../base/histogram.ts'
import type { TextOut } from '../../host/cli/node-cli-terminal.ts'
import type { KeyedEntry } from '../../state/state-entry.ts'
import type { ComponentFigures, RunFigures } from '../../worker/seat/run-figures.ts'
import { plainPaint } from '../paint.ts'
import { LiveArea } from './live-area.ts'
import { lookAt, ratesBetween } from './rates.ts'
import { clock, progressLine, resumedLines, summaryLines, tableLines } from './run-text.ts'

function component(
  componentId: string,
  kind: 'spout' | 'bolt',
  counts: Partial<ComponentFigures>,
): ComponentFigures {
  return {
    componentId,
    kind,
    taskCount: 1,
    executorCount: 1,
    executedCount: 0,
    emittedCount: 0,
    transferredCount: 0,
    ackedCount: 0,
    failedCount: 0,
    threwCount: 0,
    retriedCount: 0,
    skippedCount: 0,
    deadLetteredCount: 0,
    replayedCount: 0,
    expiredCount: 0,
    invalidCount: 0,
    tickCount: 0,
    pendingCount: 0,
    queuedCount: 0,
    queueCapacity: 100,
    blockedMs: 0,
    executeMs: new Histogram(),
    completeMs: new Histogram(),
    streams: new Map(),
    ...counts,
  }
}

function figures(components: readonly ComponentFigures[], totals: Partial<RunFigures> = {}): RunFigures {
  return {
    atMs: 0,
    components: new Map(components.map((each) => [each.componentId, each])),
    ackedCount: 0,
    failedCount: 0,
    replayedCount: 0,
    pendingCount: 0,
    completeMs: new Histogram(),
    busyMs: 0,
    ...totals,
  }
}

function times(...values: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const value of values) histogram.record(value)
  return histogram
}

describe('rates', () => {
  const early = figures(
    [component('count', 'bolt', { executedCount: 100, emittedCount: 50, executeMs: times(1, 1, 1) })],
    { ackedCount: 10, busyMs: 100 },
  )
  const later = figures(
    [
      component('count', 'bolt', {
        executedCount: 300,
        emittedCount: 60,
        queuedCount: 25,
        executeMs: times(1, 1, 1, 4, 4),
      }),
    ],
    { ackedCount: 40, busyMs: 1_100 },
  )
  const rates = ratesBetween(lookAt(early, 1_000), lookAt(later, 3_000), later, 1)

  test('are of the time between two looks, quantiles and shares too', () => {
    const [count] = rates.components
    expect(count).toMatchObject({ inPerSecond: 100, outPerSecond: 5, queue: 0.25 })
    expect(count?.p50Ms).toBeCloseTo(4, 0)
    expect(count?.busy).toBeCloseTo(0.4, 5)
    expect(rates).toMatchObject({ ackedPerSecond: 15, busy: 0.5 })
  })

  test('never are below zero, when a lost worker took its counts along', () => {
    const back = ratesBetween(lookAt(later, 0), lookAt(early, 1_000), early, 1)
    expect(back.ackedPerSecond).toBe(0)
    expect(back.components[0]?.inPerSecond).toBe(0)
  })
})

describe('texts', () => {
  const all = figures(
    [
      component('lines', 'spout', { emittedCount: 12_400, completeMs: times(2) }),
      component('count', 'bolt', {
        executedCount: 1_240_000,
        failedCount: 3,
        queuedCount: 80,
        executeMs: times(0.001),
      }),
    ],
    { ackedCount: 240, failedCount: 3, pendingCount: 7, busyMs: 500, completeMs: times(2) },
  )
  const nothing = figures([])
  const standing = {
    name: 'wc',
    state: 'active',
    workers: 1,
    elapsedMs: 65_000,
    figures: all,
    rates: ratesBetween(lookAt(nothing, 0), lookAt(all, 1_000), all, 1),
    lag: 480,
  }

  test('the table', () => {
    expect(tableLines(standing, plainPaint, 120).join('\n')).toMatchInlineSnapshot(`
      "wc  active  1:05  acked 240 (240/s)  in flight 7  p99 2 ms  busy 50%  to read 480, about 2 s  failed 3
      COMPONENT  TASKS    IN/s   OUT/s  BUSY  QUEUE   P50   P99  FAILED
      lines          1       –  12.4 k     –      –  2 ms  2 ms       0
      count          1  1.24 M       0  124%    80%  0 ms  0 ms       3"
    `)
  })

  test('the table in a narrow window: what does not fit goes to the next line', () => {
    expect(tableLines(standing, plainPaint, 80).slice(0, 2)).toEqual([
      'wc  active  1:05  acked 240 (240/s)  in flight 7  p99 2 ms  busy 50%',
      '  to read 480, about 2 s  failed 3',
    ])
  })

  test('the line for a pipe', () => {
    expect(progressLine(standing)).toMatchInlineSnapshot(
      `"1:05  wc active  acked 240  240/s  in flight 7  failed 3  p99 2 ms  to read 480, about 2 s"`,
    )
  })

  test('the summary', () => {
    const ending = { name: 'word-count', why: 'stopped', elapsedMs: 65_000, figures: all, deadLetterCount: 1 }
    expect(summaryLines(ending, plainPaint).join('\n')).toMatchInlineSnapshot(`
      "⚠ word-count: stopped after 65 s
        acked 240  3.7/s  p50 2 ms  p99 2 ms  failed 3  replayed 0  still in flight 7  dead letters 1"
    `)
  })

  test('where sources go on', () => {
    const common = { componentId: 'lines', readCount: 0, ackedCount: 0 }
    expect(
      resumedLines([
        {
          ...common,
          partition: 'a.txt',
          position: { byte: 1234, line: 56, head: 'x' },
          readCount: 12,
          ackedCount: 3,
        },
        { ...common, partition: '0', position: 17 },
        { ...common, partition: '1', position: { offset: 17n } },
      ]),
    ).toEqual([
      'lines resumes a.txt at byte 1,234, line 56: 3 are done, ' +
        'what was read after them (9 when it was stored) is read again',
      'lines resumes 0 at position 17: 0 are done, what was read after them is read again',
      'lines resumes 1 at {"offset":"17"}: 0 are done, what was read after them is read again',
    ])
  })

  test('times of a run', () => {
    expect([0, 65_000, 3_725_000].map(clock)).toEqual(['0:00', '1:05', '1:02:05'])
  })
})

describe('the live area', () => {
  /** What a terminal shows after these bytes: knows "up so many lines" and "clear below". */
  function shown(bytes: string): string[] {
    const rows: string[] = ['']
    let row = 0
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal is told
    for (const part of bytes.split(/(\u001b\[\??\d*[A-Za-z]|\n|\r)/)) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
      const up = /^\u001b\[(\d+)A$/.exec(part)?.[1]
      if (up !== undefined) row -= Number(up)
      else if (part === '\u001b[0J') {
        rows.length = row
        rows.push('')
      } else if (part === '\n') {
        row += 1
        rows[row] ??= ''
      } else if (part !== '\r' && !part.startsWith('\u001b')) rows[row] += part
    }
    return rows
  }

  test('is drawn in place, and lines go above it', () => {
    let bytes = ''
    const out: TextOut = {
      isTerminal: true,
      columns: () => 20,
      rows: () => 10,
      write: (text) => {
        bytes += text
      },
    }
    const area = new LiveArea(out)
    area.draw(['one', 'two'])
    area.above(() => out.write('said\n'))
    area.draw(['three', 'four', 'a line that is far too long'])
    expect(shown(bytes)).toEqual(['said', 'three', 'four', 'a line that is far…', ''])
    area.clear()
    expect(shown(bytes)).toEqual(['said', ''])
  })
})

describe('state of the next version', async () => {
  const { keepState } = await import('./keep-state.ts')
  const { keyedBolt, valueState } = await import('../../topology/keyed-bolt.ts').then(async (bolts) => {
    return { ...bolts, ...(await import('../../topology/state-declaration.ts')) }
  })
  const { fields } = await import('../../topology/schema/fields.ts')
  const { definitionOf } = await import('../../topology/definition.ts')

  const next = (version: number) => {
    const state = { seen: valueState({ initial: () => 0, version }) }
    const definition = definitionOf(
      keyedBolt({ input: fields({ word: 'string' }), key: ['word'], state, execute: () => undefined }),
    )
    const count = { id: 'count', definition, placement: {}, inputs: [], where: undefined }
    const none = { name: 'x', config: {}, workerHooks: [], taskHooks: [] }
    return {
      ...none,
      components: new Map(definition === undefined ? [] : [['count', { ...count, definition }]]),
    }
  }
  const value = (name: string, version: number) =>
    ({ kind: 'value', name, version, value: 1, usedMs: 0 }) as const
  const entry = (key: string, ...parts: KeyedEntry['parts']): KeyedEntry => ({ key, parts })

  test('what fits is kept and counted, what does not is named', () => {
    const state = new Map([
      ['count', [entry('a', value('seen', 1), value('gone', 1)), entry('b', value('seen', 1))]],
      ['removed', [entry('c', value('other', 1))]],
    ])
    const { kept, dropped, state: carried } = keepState(state, next(1))
    expect(kept).toEqual([{ componentId: 'count', name: 'seen', keyCount: 2 }])
    expect(dropped).toEqual([
      'gone of count (it is no longer declared)',
      'other of removed (the component is gone or keeps none)',
    ])
    expect(carried.get('count')).toEqual([entry('a', value('seen', 1)), entry('b', value('seen', 1))])
  })

  test('a version that nothing can read is dropped', () => {
    const state = new Map([['count', [entry('a', value('seen', 1))]]])
    expect(keepState(state, next(2)).dropped).toEqual(['seen of count (version 1 has no migrate to 2)'])
    const newer = new Map([['count', [entry('a', value('seen', 3))]]])
    expect(keepState(newer, next(1)).dropped).toEqual(['seen of count (it is of version 3, newer than 1)'])
  })
})
