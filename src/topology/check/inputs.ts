/** Rules of what a bolt reads: that it is there, and fits. */
import type { StreamDeclaration } from '../definition.ts'
import { type Component, DEAD_LETTER_STREAM, type Input, streamOf } from '../topology.ts'
import { didYouMean, type Finding, inputError, listed, streamName } from './finding.ts'
import { fits } from './fit.ts'
import type { Look } from './look.ts'

export function checkInputs(look: Look): readonly Finding[] {
  const findings: Finding[] = []
  for (const component of look.topology.components.values()) {
    for (const input of component.inputs) findings.push(...checkInput(look, component, input))
  }
  return findings
}

function checkInput(look: Look, component: Component, input: Input): readonly Finding[] {
  const source = look.topology.components.get(input.componentId)
  if (source === undefined) return [unknownComponent(look, component, input)]
  const stream = streamOf(source, input.streamId)
  if (stream === undefined) return [unknownStream(component, input, source)]
  const direct = checkDirect(component, input, stream)
  if (direct !== undefined) return [direct]
  // The schema has a finding of its own then.
  if (stream.schema.unnamed === true) return []
  return [
    ...checkKeyGrouping(component, input),
    ...checkFields(component, input, stream),
    ...checkRanges(look, component, input),
    ...checkFit(component, input, stream),
  ]
}

function sourceName({ componentId, streamId }: Input): string {
  return streamName(componentId, streamId)
}

function unknownComponent(look: Look, component: Component, input: Input): Finding {
  const ids = [...look.topology.components.keys()]
  const message =
    `reads ${sourceName(input)}, but there is no component '${input.componentId}'; there are ` +
    `${listed(ids)}${didYouMean(input.componentId, ids)}`
  return inputError(component, input, 'UNKNOWN_COMPONENT', message)
}

function unknownStream(component: Component, input: Input, source: Component): Finding {
  const ids = [...source.definition.outputs.keys()]
  const emits = ids.length === 0 ? 'it emits nothing' : `it has ${listed(ids)}`
  const message =
    `reads ${streamName(source.id, input.streamId)}, but '${source.id}' has no stream '${input.streamId}'; ` +
    `${emits}${didYouMean(input.streamId, ids)}`
  return inputError(component, input, 'UNKNOWN_STREAM', message)
}

function checkDirect(component: Component, input: Input, stream: StreamDeclaration): Finding | undefined {
  const reads = input.grouping.kind === 'direct'
  if (reads === stream.direct) return undefined
  const name = sourceName(input)
  const message = stream.direct
    ? `reads the direct stream ${name} by a ${input.grouping.kind} grouping; wanted directGrouping`
    : `reads ${name} by directGrouping, but that stream is not direct; declare it with direct(…)`
  return inputError(component, input, 'DIRECT_STREAM_MISMATCH', message)
}

function checkKeyGrouping(component: Component, input: Input): readonly Finding[] {
  const { definition } = component
  const key = definition.kind === 'bolt' ? definition.key : undefined
  if (key === undefined) return []
  const { grouping } = input
  const fields = grouping.kind === 'fields' ? grouping.fields : undefined
  if (
    fields !== undefined &&
    fields.length === key.length &&
    fields.every((field, at) => field === key[at])
  ) {
    return []
  }
  const found =
    fields === undefined ? `a ${grouping.kind} grouping` : `a fields grouping on ${fields.join(', ')}`
  const message =
    `keeps state by ${key.join(', ')}, but reads ${sourceName(input)} by ${found}; ` +
    `wanted fieldsGrouping on ${key.join(', ')}`
  return [inputError(component, input, 'KEY_GROUPING_MISMATCH', message)]
}

function fieldsOf({ grouping }: Input): readonly string[] {
  if (grouping.kind === 'range') return [grouping.field]
  return 'fields' in grouping ? grouping.fields : []
}

function checkFields(component: Component, input: Input, stream: StreamDeclaration): readonly Finding[] {
  const { names } = stream.schema
  const unknown = fieldsOf(input).filter((field) => !names.includes(field))
  return unknown.map((field) => {
    const name = sourceName(input)
    const message =
      `groups ${name} by "${field}", but that stream has no such field; ` +
      `it has ${listed(names)}${didYouMean(field, names)}`
    return inputError(component, input, 'UNKNOWN_FIELD', message)
  })
}

function checkRanges(look: Look, component: Component, input: Input): readonly Finding[] {
  const { grouping } = input
  if (grouping.kind !== 'range' || grouping.boundaries === undefined) return []
  const { boundaries } = grouping
  const falling = boundaries.findIndex((boundary, at) => {
    const before = boundaries[at - 1]
    return before !== undefined && !(before < boundary)
  })
  if (falling !== -1) {
    const message = `reads by ranges whose boundaries do not ascend: ${boundaries.join(', ')}`
    return [inputError(component, input, 'CONFIG_INVALID_VALUE', message)]
  }
  const settings = look.componentSettings.get(component.id)
  // As the author meant them: a cap for small machines leaves the last ranges to the last task.
  const tasks = settings === undefined ? undefined : (settings.tasks ?? settings.executors)
  if (tasks === undefined || tasks === boundaries.length + 1) return []
  const message =
    `has ${counted(tasks, 'task')}, but reads by ranges with ${counted(boundaries.length, 'boundary')}; ` +
    `wanted one boundary fewer than tasks`
  return [inputError(component, input, 'PARALLELISM_INVALID', message)]
}

function counted(count: number, what: 'task' | 'boundary'): string {
  if (count === 1) return `1 ${what}`
  return `${count} ${what === 'task' ? 'tasks' : 'boundaries'}`
}

function checkFit(component: Component, input: Input, stream: StreamDeclaration): readonly Finding[] {
  const { definition } = component
  const inputs = definition.kind === 'bolt' ? definition.inputs : undefined
  if (inputs === undefined || (input.streamId === DEAD_LETTER_STREAM && inputs.length === 0)) return []
  const misfits = inputs.map((wanted) => fits(stream.schema, wanted))
  if (misfits.some((misfit) => misfit.length === 0)) return []
  // Of several shapes the one that comes nearest says most.
  const [nearest = []] = misfits.toSorted((a, b) => a.length - b.length)
  const message = `reads ${sourceName(input)}, whose fields do not fit its input: ${nearest.join('; ')}`
  return [inputError(component, input, 'INPUT_MISMATCH', message)]
}
