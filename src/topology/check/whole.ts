/**
 * Rules of the graph as a whole: where it begins, what nothing reaches, where it goes round, where time comes
 * from.
 */
import { ackerCount } from '../expand.ts'
import { cyclesOf, downstreamOf, upstreamOf } from '../make/walk.ts'
import { type Component, DEAD_LETTER_STREAM, readersOf, type Topology } from '../topology.ts'
import { topologyNameTrouble } from '../topology-name.ts'
import { errorOf, type Finding, listed, warningOf } from './finding.ts'
import type { Look } from './look.ts'

export function checkWhole(look: Look): readonly Finding[] {
  const { topology } = look
  return [
    ...checkName(topology),
    ...checkSpouts(topology),
    ...checkReached(topology),
    ...checkCycles(look),
    ...checkEventTime(topology),
    ...checkReaders(topology),
  ]
}

function ofTopology(code: 'EMPTY_TOPOLOGY' | 'RESERVED_ID', message: string): Finding {
  return { severity: 'error', code, message, component: undefined, where: undefined }
}

function checkName({ name }: Topology): readonly Finding[] {
  const why = name === undefined ? undefined : topologyNameTrouble(name)
  return why === undefined ? [] : [ofTopology('RESERVED_ID', why)]
}

function spoutsOf(topology: Topology): readonly Component[] {
  return [...topology.components.values()].filter((component) => component.definition.kind === 'spout')
}

function checkSpouts(topology: Topology): readonly Finding[] {
  if (spoutsOf(topology).length > 0) return []
  const ids = listed(topology.components.keys())
  return [
    ofTopology('EMPTY_TOPOLOGY', `the topology has no spout, so nothing ever happens; its bolts are ${ids}`),
  ]
}

/** A bolt without input, and a circle that no spout feeds. What hangs on either is not told again. */
function checkReached(topology: Topology): readonly Finding[] {
  const { components } = topology
  const findings: Finding[] = []
  for (const component of components.values()) {
    if (component.definition.kind === 'spout' || component.inputs.length > 0) continue
    findings.push(errorOf(component, 'NO_INPUT', 'has no grouping, so it never gets a tuple'))
  }
  const fed = downstreamOf(
    components,
    spoutsOf(topology).map((spout) => spout.id),
  )
  for (const cycle of cyclesOf(components)) {
    const first = components.get(cycle[0] ?? '')
    if (first === undefined || fed.has(first.id)) continue
    findings.push(errorOf(first, 'NO_INPUT', `is in a circle that no spout feeds: ${cycle.join(' → ')}`))
  }
  return findings
}

function checkCycles({ topology, settings }: Look): readonly Finding[] {
  const { components } = topology
  return cyclesOf(components).flatMap((cycle) => {
    const first = components.get(cycle[0] ?? '')
    if (first === undefined) return []
    const way = cycle.join(' → ')
    if (topology.config.guarantee === 'exactly-once') {
      const message = `is in a circle, which barriers of a checkpoint cannot pass: ${way}`
      return [errorOf(first, 'CYCLE_UNDER_EXACTLY_ONCE', message)]
    }
    if (settings !== undefined && ackerCount(settings) === 0) {
      return [errorOf(first, 'CONFIG_CONTRADICTION', unboundedCircle(way, settings.guarantee))]
    }
    // A rich bolt acks and emits as it sees fit, so somebody has thought of how it ends.
    if (!cycle.every((id) => isBasic(components.get(id)))) return []
    return [warningOf(first, 'cycle', `is in a circle, and tuples may go round for ever: ${way}`)]
  })
}

/**
 * Nobody waits for room in a circle, or it could wait for itself. So what goes round is bounded by what
 * sources may have in flight, and that counts tracked tuples only.
 */
function unboundedCircle(way: string, guarantee: string): string {
  const [cause, fix] =
    guarantee === 'at-most-once'
      ? ['guarantee is at-most-once', "set guarantee to 'at-least-once'"]
      : ['ackerExecutors is 0', 'take ackerExecutors 0 out']
  return (
    `is in a circle in which nothing bounds how many tuples go round: ${way}; ${cause}, so no tuple is ` +
    `tracked and maxSpoutPending holds nothing back; ${fix}, or break the circle`
  )
}

function isBasic(component: Component | undefined): boolean {
  return component?.definition.kind === 'bolt' && component.definition.form === 'basic'
}

/** A timer in event time fires when time has come along every way that leads to it. */
function checkEventTime(topology: Topology): readonly Finding[] {
  const components = withoutDeadLetters(topology)
  return [...components.values()].flatMap((component) => {
    const timer = eventTimerOf(component)
    if (timer === undefined) return []
    const timeless = [...upstreamOf(components, component.id)].filter((id) => hasNoTime(components.get(id)))
    if (timeless.length === 0) return []
    const message =
      `has the event-time timer '${timer}', but is fed without event time by ` +
      `${timeless.map((id) => `'${id}'`).join(', ')}; give the source eventTime`
    return [errorOf(component, 'EVENT_TIME_MISSING', message)]
  })
}

function eventTimerOf({ definition }: Component): string | undefined {
  if (definition.kind === 'spout') return undefined
  return Object.keys(definition.states).find((name) => definition.states[name]?.time === 'event-time')
}

function hasNoTime(component: Component | undefined): boolean {
  return component?.definition.kind === 'spout' && component.definition.eventTime === undefined
}

/** Dead letters carry no event time of their own, and hold back nobody's. */
function withoutDeadLetters(topology: Topology): ReadonlyMap<string, Component> {
  const entries = [...topology.components.values()].map((component): [string, Component] => {
    const inputs = component.inputs.filter((input) => input.streamId !== DEAD_LETTER_STREAM)
    return [component.id, { ...component, inputs }]
  })
  return new Map(entries)
}

function checkReaders(topology: Topology): readonly Finding[] {
  return [...topology.components.values()].flatMap((component) => {
    const unread = [...component.definition.outputs.keys()].filter((streamId) => {
      return readersOf(topology, component.id, streamId).length === 0
    })
    return unread.map((streamId) => {
      return warningOf(component, 'unread-stream', `emits stream '${streamId}', which nobody reads`)
    })
  })
}
