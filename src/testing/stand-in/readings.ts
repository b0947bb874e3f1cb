/** What tests read of a run. */
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import { KeyedTask } from '../../flow/executor/bolt/keyed-task.ts'
import type { StatePart } from '../../state/state-entry.ts'
import { mapKeyOf } from '../../state/state-key.ts'
import type { StreamHandle } from '../../topology/handle.ts'
import type { Key } from '../../topology/schema/encodable.ts'
import { streamOf, type Topology } from '../../topology/topology.ts'
import type { DeadLetter } from '../../topology/tuple.ts'
import type { Worker } from '../../worker/worker.ts'
import type { LocalRun } from '../local-run.ts'
import type { Recordings } from './recordings.ts'

/** What can be read of a run. Order: as emitted in each task; between tasks as the seed has it. */
export interface Readings<H> {
  /** Items of a stream, by handle. Includes what was emitted again after a replay. */
  read<V>(pick: (handles: H) => StreamHandle<V>): V[]
  /** Items of a stream, by id: `'count'`, `'split:rejected'`. */
  read(stream: string): unknown[]
  /** What a sink has made visible: for a transactional one, what was committed. */
  written(sink: string): unknown[]
  /** State of a key: the value, a Map, a list, or the time of a timer. undefined if there is none. */
  state(component: string, name: string, key: Key): unknown
  readonly deadLetters: readonly DeadLetter[]
  /** Spout tuples whose tree is done, each counted once. */
  readonly acked: number
  /** Failures told to spouts; a tuple may count several times. */
  readonly failed: number
}

/** What is read from: the run may change under it, by a crash for example. */
export interface ReadFrom<H> {
  readonly handles: H
  readonly topology: Topology
  readonly recordings: Recordings
  readonly run: LocalRun
}

/** Items of a stream. @throws UsageError UNKNOWN_STREAM */
export function itemsOf<H>(from: ReadFrom<H>, stream: unknown): unknown[] {
  const [componentId, streamId] = nameOf(from.handles, stream)
  const component = from.topology.components.get(componentId)
  if (component === undefined || streamOf(component, streamId) === undefined) {
    const close = nearest(componentId, from.topology.components.keys())
    const hint = component !== undefined || close === undefined ? '' : `, did you mean "${close}"?`
    throw new UsageError('UNKNOWN_STREAM', `no stream ${componentId}:${streamId}${hint}`, {
      component: componentId,
    })
  }
  return [...from.recordings.itemsOf(`${componentId}:${streamId}`)]
}

/** @throws UsageError UNKNOWN_COMPONENT */
export function writtenOf<H>({ topology, recordings }: ReadFrom<H>, sink: string): unknown[] {
  const definition = topology.components.get(sink)?.definition
  if (definition?.kind !== 'bolt' || definition.form !== 'sink') {
    throw new UsageError('UNKNOWN_COMPONENT', `written: "${sink}" is no sink of this topology`, {
      component: sink,
    })
  }
  return recordings.sinkOf(sink).written
}

/** State of one key, as of the last call for it. undefined: there is none. */
export function stateOf(workers: readonly Worker[], component: string, name: string, key: unknown): unknown {
  const wanted = mapKeyOf(key)
  for (const worker of workers) {
    for (const task of worker.boltTasks) {
      if (!(task instanceof KeyedTask) || task.self.componentId !== component) continue
      for (const entry of task.store.entries()) {
        if (mapKeyOf(entry.key) !== wanted) continue
        const part = entry.parts.find((each) => each.name === name)
        if (part !== undefined) return plainValue(part)
      }
    }
  }
  return undefined
}

function plainValue(part: StatePart): unknown {
  switch (part.kind) {
    case 'value':
      return part.value
    case 'map':
      return new Map(part.entries.map(({ key, value }) => [key, value]))
    case 'list':
      return [...part.values]
    case 'timer':
      return part.timeMs
  }
}

function nameOf<H>(handles: H, stream: unknown): readonly [string, string] {
  if (typeof stream === 'function') {
    const { componentId, streamId } = stream(handles) as StreamHandle<unknown>
    return [componentId, streamId]
  }
  const [componentId = '', streamId = 'default'] = String(stream).split(':')
  return [componentId, streamId]
}
