/** Rules of one component: its streams, state, key, parallelism, ticks, and what it can promise. */
import { componentContradictions } from '../../config/contradictions.ts'
import { type ComponentSettings, misplacedSettings } from '../../config/settings.ts'
import type { BoltDefinition } from '../definition.ts'
import { parallelismOf } from '../expand.ts'
import type { Component } from '../topology.ts'
import { didYouMean, errorOf, type Finding, listed, streamName, warningOf } from './finding.ts'
import type { Look } from './look.ts'

export function checkComponents(look: Look): readonly Finding[] {
  return [...look.topology.components.values()].flatMap((component) => [
    ...checkStreams(component),
    ...checkState(component),
    ...checkKey(component),
    ...checkGuarantee(look, component),
    ...checkSettings(look, component),
  ])
}

const STREAM_ID = /^(?!__)[A-Za-z0-9._-]+$/

function checkStreams(component: Component): readonly Finding[] {
  return [...component.definition.outputs.values()].flatMap(({ streamId, schema }) => {
    if (!STREAM_ID.test(streamId)) {
      const message = `has a stream '${streamId}'; ids are letters, digits, minus, dot and single underscores`
      return [errorOf(component, 'RESERVED_ID', message)]
    }
    if (schema.unnamed !== true) return []
    const name = streamName(component.id, streamId)
    const advice = "name them: fields(schema, ['id', …])"
    const message = `emits ${name} with a schema that does not say its fields; ${advice}`
    return [errorOf(component, 'SCHEMA_HAS_NO_FIELDS', message)]
  })
}

function checkState(component: Component): readonly Finding[] {
  const { definition } = component
  if (definition.kind === 'spout') return []
  const seen = new Map<string, string>()
  const findings: Finding[] = []
  for (const name of Object.keys(definition.states)) {
    const former = seen.get(name.toLowerCase())
    seen.set(name.toLowerCase(), name)
    if (former === undefined) continue
    // State rests in files, and not every file system tells the two apart.
    const message = `has the states '${former}' and '${name}', which differ by case alone`
    findings.push(errorOf(component, 'DUPLICATE_STATE', message))
  }
  return findings
}

function checkKey(component: Component): readonly Finding[] {
  const { definition } = component
  if (definition.kind === 'spout' || definition.key === undefined) return []
  const named = (definition.inputs ?? []).filter((input) => input.unnamed !== true)
  return definition.key.flatMap((field) => {
    const without = named.find((input) => !input.names.includes(field))
    if (without === undefined) return []
    const fields = `it has ${listed(without.names)}${didYouMean(field, without.names)}`
    return [
      errorOf(
        component,
        'UNKNOWN_FIELD',
        `has the key "${field}", but its input has no such field; ${fields}`,
      ),
    ]
  })
}

function checkGuarantee(look: Look, component: Component): readonly Finding[] {
  if (look.topology.config.guarantee !== 'exactly-once') return []
  const { definition } = component
  if (definition.kind === 'spout' && definition.replay === 'plain') {
    const message = 'cannot go back, so the topology cannot be exactly-once; wanted a replayable source'
    return [errorOf(component, 'GUARANTEE_NOT_POSSIBLE', message)]
  }
  if (definition.kind === 'bolt' && definition.sinkKind === 'plain') {
    const message =
      'is a plain sink, so the topology cannot be exactly-once; wanted a transactional or idempotent one, ' +
      'or acceptDuplicates(sink) where doubles do no harm'
    return [errorOf(component, 'GUARANTEE_NOT_POSSIBLE', message)]
  }
  return []
}

function checkSettings(look: Look, component: Component): readonly Finding[] {
  const settings = look.componentSettings.get(component.id)
  if (settings === undefined) return []
  const { definition } = component
  const bolt = definition.kind === 'bolt' ? checkBoltSettings(component, definition, settings) : []
  return [
    ...checkParallelism(look, component, settings),
    ...bolt,
    ...warnOfSettings(look, component, settings),
  ]
}

/** Settings that change nothing where they stand, or that fight with the topology's. */
function warnOfSettings(look: Look, component: Component, settings: ComponentSettings): readonly Finding[] {
  const { definition, placement, id } = component
  const misplaced = misplacedSettings({ ...definition.settings, ...placement }, definition.kind)
  const warnings = misplaced.map(({ property, kind }) =>
    warningOf(
      component,
      'CONFIG_CONTRADICTION',
      `is given ${property}, which has a meaning for ${kind}s only`,
    ),
  )
  if (look.settings === undefined) return warnings
  const fights = componentContradictions(look.settings, settings, id)
  return [...warnings, ...fights.map(({ message }) => configWarning(component, message))]
}

/** The text names the component already. */
function configWarning(component: Component, message: string): Finding {
  return { ...warningOf(component, 'CONFIG_CONTRADICTION', ''), message }
}

function checkParallelism(look: Look, component: Component, settings: ComponentSettings): readonly Finding[] {
  if (look.settings === undefined) return []
  const { maxTaskParallelism, keyGroups } = look.settings
  const { executors, tasks } = parallelismOf(settings, maxTaskParallelism)
  if (executors > tasks) {
    const message = `has ${executors} executors for ${tasks} tasks; every executor needs a task`
    return [errorOf(component, 'PARALLELISM_INVALID', message)]
  }
  const keyed = component.definition.kind === 'bolt' && component.definition.form === 'keyed'
  if (!keyed || tasks <= keyGroups) return []
  const message = `has ${tasks} tasks, but its state is cut into ${keyGroups} key groups (keyGroups)`
  return [errorOf(component, 'PARALLELISM_INVALID', message)]
}

function checkBoltSettings(
  component: Component,
  definition: BoltDefinition,
  settings: ComponentSettings,
): readonly Finding[] {
  const findings: Finding[] = []
  const { form, spec } = definition
  if ('onTick' in spec && spec.onTick !== undefined && settings.tickIntervalMs === undefined) {
    findings.push(errorOf(component, 'TICK_WITHOUT_INTERVAL', 'has onTick, but no tickInterval'))
  }
  if (form !== 'basic' && form !== 'keyed') return findings
  if (settings.concurrency === 1 && isAsync(definition.spec.execute)) {
    const message =
      'is async, but has one call open at a time (concurrency 1); raise concurrency to let calls overlap'
    findings.push(warningOf(component, 'one-call-at-a-time', message))
  }
  if (form === 'basic' && settings.concurrency > 1 && settings.order === 'key') {
    findings.push(...checkOrderByKey(component))
  }
  return findings
}

/** Bolts that were compiled down to promises are not seen as async; it is a hint, no more. */
function isAsync(execute: unknown): boolean {
  return Object.prototype.toString.call(execute) === '[object AsyncFunction]'
}

function checkOrderByKey(component: Component): readonly Finding[] {
  const other = component.inputs.find((input) => input.grouping.kind !== 'fields')
  if (other === undefined) return []
  const message =
    `keeps the order of each key, but reads ${streamName(other.componentId, other.streamId)} by a ` +
    `${other.grouping.kind} grouping, which has no key; wanted fieldsGrouping, or another order`
  return [{ ...errorOf(component, 'CONFIG_CONTRADICTION', message), where: other.where ?? component.where }]
}
