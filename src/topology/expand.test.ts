// Goal: task numbers are what Storm would give: from 1, over components in name order, executors in blocks.
import { describe, expect, test } from 'vitest'
import type { ComponentConfig, TopologyConfig } from '../config/topology-config.ts'
import { bolt } from './bolt.ts'
import { closeBuilder, TopologyBuilder } from './builder.ts'
import { type ExpandedTopology, expand, settingsOf } from './expand.ts'
import { fields } from './schema/fields.ts'
import { spoutFrom } from './spout.ts'

const words = spoutFrom(fields({ word: 'string' }), () => [])
const end = bolt({ execute() {} })

function expanded(
  placements: Readonly<Record<string, ComponentConfig>>,
  config: TopologyConfig<'at-least-once'> = {},
): ExpandedTopology {
  const builder = new TopologyBuilder(config)
  builder.setSpout('words', words)
  for (const [id, placement] of Object.entries(placements)) {
    builder.setBolt(id, end, placement).shuffleGrouping('words')
  }
  return expand(closeBuilder(builder, 'x'))
}

/** Executors as `component: tasks`, in the order of their numbers. */
function executors(topology: ExpandedTopology): string[] {
  return topology.executors.map(
    ({ executor, componentId, tasks }) => `${executor} ${componentId}: ${tasks.join(' ')}`,
  )
}

test('components in name order by code units, system components among them', () => {
  expect(executors(expanded({ b: {}, a: { executors: 2 }, Z: {} }))).toEqual([
    '1 Z: 1',
    '2 __acker: 2',
    '3 a: 3',
    '4 a: 4',
    '5 b: 5',
    '6 words: 6',
  ])
})

test('several tasks on an executor follow each other, the bigger blocks first', () => {
  const topology = expanded({ a: { executors: 3, tasks: 8 } }, { ackerExecutors: 0 })
  expect(executors(topology)).toEqual(['1 a: 1 2 3', '2 a: 4 5 6', '3 a: 7 8', '4 words: 9'])
})

test('tasks know their index, and where they are', () => {
  const { tasks, componentTasks } = expanded({ a: { executors: 2, tasks: 3 } }, { ackerExecutors: 0 })
  expect(tasks).toEqual([
    { task: 1, componentId: 'a', taskIndex: 0, executor: 1 },
    { task: 2, componentId: 'a', taskIndex: 1, executor: 1 },
    { task: 3, componentId: 'a', taskIndex: 2, executor: 2 },
    { task: 4, componentId: 'words', taskIndex: 0, executor: 3 },
  ])
  expect([...componentTasks]).toEqual([
    ['a', [1, 2, 3]],
    ['words', [4]],
  ])
})

test('executors are capped, tasks that were said are not', () => {
  const placements = { a: { executors: 4 }, b: { executors: 4, tasks: 8 } }
  const topology = expanded(placements, { maxTaskParallelism: 2, ackerExecutors: 0 })
  expect(executors(topology)).toEqual(['1 a: 1', '2 a: 2', '3 b: 3 4 5 6', '4 b: 7 8 9 10', '5 words: 11'])
})

describe('ackers', () => {
  const ackers = (config: TopologyConfig<'at-least-once'>) =>
    expanded({}, config).componentTasks.get('__acker')?.length

  test('one per worker, unless said otherwise', () => {
    expect(ackers({ workers: 3 })).toBe(3)
    expect(ackers({ workers: 3, ackerExecutors: 1 })).toBe(1)
    expect(ackers({ ackerExecutors: 0 })).toBeUndefined()
  })

  test('none where nothing is acked', () => {
    const builder = new TopologyBuilder({ guarantee: 'at-most-once' })
    builder.setSpout('words', words)
    expect(expand(closeBuilder(builder, 'x')).componentTasks.has('__acker')).toBe(false)
  })
})

test('the placement wins over the definition, the definition over the topology', () => {
  const builder = new TopologyBuilder({ concurrency: 2, maxReplays: 5 })
  const definition = bolt({ concurrency: 3, timeout: '2s', execute() {} })
  builder.setSpout('words', words)
  builder.setBolt('a', definition, { concurrency: 4 }).shuffleGrouping('words')
  builder.setBolt('b', definition).shuffleGrouping('words')
  builder.setBolt('c', end).shuffleGrouping('words')
  const { components } = settingsOf(closeBuilder(builder, 'x'))
  expect(['a', 'b', 'c'].map((id) => components.get(id)?.concurrency)).toEqual([4, 3, 2])
  expect(components.get('a')?.timeoutMs).toBe(2000)
  expect(components.get('words')?.maxReplays).toBe(5)
})
