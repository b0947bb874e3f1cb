/**
 * Faults to inject: when they strike, how long they last, what they do. Made by functions, so that the text
 * of a fault is the call that makes it again.
 *
 * Invariant: what a fault does to the world is drawn from the stage's random stream of that fault, so leaving
 * one fault out does not change the others.
 */
import { UsageError } from '../../base/errors.ts'
import { formatDuration, parseDuration } from '../../config/duration.ts'
import type { Duration } from '../../config/topology-config.ts'
import type { FaultNeeds, FaultStage } from './fault-stage.ts'

/** When a fault strikes: at a time of the run, or once so much has happened. */
export type When =
  | { readonly at: Duration }
  | { readonly after: { readonly acked: number } | { readonly emitted: number } }

/** When it strikes, and how long it lasts. */
export type Lasting = When & { readonly for: Duration }

/** A fault to inject. Made by the functions below. */
export interface Fault {
  readonly fault: string
}

/** A fault with what it does. Only this room reads it. */
export interface PlannedFault extends FaultNeeds {
  readonly when: When
  /** undefined: it strikes once. */
  readonly forMs: number | undefined
  strike(stage: FaultStage): void
  heal(stage: FaultStage): void
}

/** Faults that are drawn when the run is known. */
export interface RandomFaults extends Fault {
  readonly everyMs: number
  readonly except: ReadonlySet<string>
}

export type AnyFault = PlannedFault | RandomFaults

/** Ends worker `n` (from 1) at once, as kill −9 does. */
export function killWorker(worker: number, when: When): Fault {
  return naming(
    [worker],
    once(`killWorker(${worker}, `, when, (stage) => stage.kill(worker)),
  )
}

/** Stops a worker's loop: it neither works nor dies. */
export function hangWorker(worker: number, when: Lasting): Fault {
  return naming(
    [worker],
    lasting(`hangWorker(${worker}, `, when, (stage, forMs) => stage.hang(worker, forMs)),
  )
}

/**
 * Ends a supervisor (from 1) and its workers: a lost machine. What it had not written to disk for sure may be
 * gone. It comes back, empty, after a minute.
 */
export function killNode(node: number, when: When): Fault {
  return ofCluster({
    ...once(`killNode(${node}, `, when, (stage) => stage.daemons?.killNode(node)),
    nodes: [node],
  })
}

/** Ends a supervisor; its workers go on. It starts again after a second, and takes them back. */
export function killSupervisor(node: number, when: When): Fault {
  const fault = once(`killSupervisor(${node}, `, when, (stage) => stage.daemons?.killSupervisor(node))
  return ofCluster({ ...fault, nodes: [node] })
}

/** Ends the Nimbus that leads. It starts again after a second. */
export function killNimbus(when: When): Fault {
  return ofCluster(once('killNimbus(', when, (stage) => stage.daemons?.killNimbus()))
}

/** The coordinator does not answer. */
export function loseCoordinator(when: Lasting): Fault {
  const fault = lasting(
    'loseCoordinator(',
    when,
    (stage) => stage.daemons?.loseCoordinator(),
    (stage) => stage.daemons?.regainCoordinator(),
  )
  return ofCluster(fault)
}

/**
 * Cuts all links between two groups of workers, both ways. Workers of one node are on one machine: between
 * them there is nothing to cut.
 */
export function partition(left: readonly number[], right: readonly number[], when: Lasting): Fault {
  const text = `partition([${left.join(', ')}], [${right.join(', ')}], `
  const each = (call: (a: number, b: number) => void): void => {
    for (const a of left) for (const b of right) call(a, b)
  }
  const fault = lasting(
    text,
    when,
    (stage) => each((a, b) => stage.cut(a, b)),
    (stage) => each((a, b) => stage.heal(a, b)),
  )
  return naming([...left, ...right], fault)
}

/** Closes the links between two workers once; they reconnect. */
export function dropLink(a: number, b: number, when: When): Fault {
  return naming(
    [a, b],
    once(`dropLink(${a}, ${b}, `, when, (stage) => stage.reset(a, b)),
  )
}

/** Loses a share (0 to 1) of ack messages between workers. */
export function dropAcks(share: number, when: Lasting): Fault {
  return lasting(
    `dropAcks(${share}, `,
    when,
    (stage) => stage.loseAcks(share),
    (stage) => stage.loseAcks(0),
  )
}

/** Delays frames between workers. */
export function slowLink(delay: Duration, when: Lasting): Fault {
  const delayMs = parseDuration(delay)
  return lasting(
    `slowLink('${delay}', `,
    when,
    (stage) => stage.delayLinks(delayMs),
    (stage) => stage.delayLinks(0),
  )
}

/** Makes every write to disk take this long. */
export function slowDisk(delay: Duration, when: Lasting): Fault {
  const delayMs = parseDuration(delay)
  const fault = lasting(
    `slowDisk('${delay}', `,
    when,
    (stage) => stage.eachDisk((disk) => disk.slow(delayMs)),
    (stage) => stage.eachDisk((disk) => disk.slow(0)),
  )
  return onMachines(fault)
}

/** Makes every write to disk fail: full, or broken. */
export function failDisk(how: 'full' | 'broken', when: Lasting): Fault {
  const fault = lasting(
    `failDisk('${how}', `,
    when,
    (stage) => stage.eachDisk((disk) => disk.fail(how)),
    (stage) => stage.eachDisk((disk) => disk.fail(undefined)),
  )
  return onMachines(fault)
}

/**
 * The clock of a node is wrong by this much. Where there are no supervisors, each worker is a node of its
 * own.
 */
export function skewClock(node: number, by: Duration, when: Lasting): Fault {
  const skewMs = parseDuration(by)
  const fault = lasting(
    `skewClock(${node}, '${by}', `,
    when,
    (stage) => stage.skewClock(node, skewMs),
    (stage) => stage.skewClock(node, 0),
  )
  return onMachines({ ...fault, nodes: [node] })
}

/** The next `count` calls of a component throw. Default 1. */
export function failComponent(component: string, when: When & { readonly count?: number }): Fault {
  return failing(`failComponent('${component}', `, { component, call: undefined }, when)
}

/** The next `count` writes, prepares or commits of a sink throw. Default 1. */
export function failSink(
  component: string,
  call: 'write' | 'prepare' | 'commit',
  when: When & { readonly count?: number },
): Fault {
  return failing(`failSink('${component}', '${call}', `, { component, call }, when)
}

/**
 * Faults of all kinds but those excluded (by the names of their functions), drawn from the seed, about so
 * often.
 */
export function randomFaults(options: {
  readonly every: Duration
  readonly except?: readonly string[]
}): Fault {
  const except = (options.except ?? []).map((name) => `'${name}'`).join(', ')
  const made: RandomFaults = {
    fault: `randomFaults({ every: '${options.every}'${except === '' ? '' : `, except: [${except}]`} })`,
    everyMs: Math.max(1, parseDuration(options.every)),
    except: new Set(options.except ?? []),
  }
  return made
}

/** @throws UsageError CONFIG_INVALID_VALUE: it was not made by a function of this file */
export function plannedOf(fault: Fault): AnyFault {
  if ('strike' in fault || 'everyMs' in fault) return fault as AnyFault
  throw new UsageError(
    'CONFIG_INVALID_VALUE',
    `"${fault.fault}" is no fault; use killWorker, partition and the like`,
  )
}

export function isPlanned(fault: AnyFault): fault is PlannedFault {
  return 'strike' in fault
}

const NEEDS_NOTHING = { workers: [], nodes: [], isOfCluster: false, isVirtual: false } as const

function once(text: string, when: When, strike: (stage: FaultStage) => void): PlannedFault {
  const heal = (): void => {
    // It strikes once; there is nothing to take back.
  }
  const fault = `${text}${whenText(when)})`
  return { ...NEEDS_NOTHING, fault, when, forMs: undefined, strike, heal }
}

function lasting(
  text: string,
  when: Lasting,
  strike: (stage: FaultStage, forMs: number) => void,
  heal: (stage: FaultStage) => void = () => undefined,
): PlannedFault {
  const forMs = parseDuration(when.for)
  const fault = `${text}${whenText(when, `for: '${when.for}'`)})`
  return { ...NEEDS_NOTHING, fault, when, forMs, strike: (stage) => strike(stage, forMs), heal }
}

function ofCluster(fault: PlannedFault): PlannedFault {
  return { ...fault, isOfCluster: true }
}

function onMachines(fault: PlannedFault): PlannedFault {
  return { ...fault, isVirtual: true }
}

function naming(workers: readonly number[], fault: PlannedFault): PlannedFault {
  return { ...fault, workers }
}

function failing(
  text: string,
  call: { readonly component: string; readonly call: string | undefined },
  when: When & { readonly count?: number },
): PlannedFault {
  const count = when.count ?? 1
  const fault = `${text}${whenText(when, `count: ${count}`)})`
  const made = once('', when, (stage) => stage.failCalls(call.component, call.call, count))
  return { ...made, fault }
}

function whenText(when: When, more = ''): string {
  const rest = more === '' ? '' : `, ${more}`
  if ('at' in when) return `{ at: '${when.at}'${rest} }`
  const what = 'acked' in when.after ? `acked: ${when.after.acked}` : `emitted: ${when.after.emitted}`
  return `{ after: { ${what} }${rest} }`
}

/** A duration in whole milliseconds, as text. */
export function durationText(ms: number): Duration {
  return formatDuration(Math.max(1, Math.round(ms))) as Duration
}
