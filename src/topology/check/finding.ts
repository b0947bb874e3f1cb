/** What a look at a topology finds, and how it is worded. */
import type { ErrorCode } from '../../base/error-codes.ts'
import { nearest } from '../../base/nearest.ts'
import { DEFAULT_STREAM } from '../definition.ts'
import type { Component, Input } from '../topology.ts'

/**
 * Warnings that no error code stands for.
 * - `cycle`: tuples may go round for ever
 * - `unread-stream`: nobody reads a declared stream
 * - `one-call-at-a-time`: an async bolt whose concurrency was left at 1
 */
export type WarningCode = 'cycle' | 'unread-stream' | 'one-call-at-a-time'

export interface Finding {
  /** `error`: the topology is refused. `warning`: said, and built all the same. */
  readonly severity: 'error' | 'warning'
  readonly code: ErrorCode | WarningCode
  readonly message: string
  /** Id of the component it is about; undefined: the whole topology. */
  readonly component: string | undefined
  /** `file:line:column` in the user's code, if known. */
  readonly where: string | undefined
}

/** An error of a component, at the place where it was set. */
export function errorOf(component: Component, code: ErrorCode, message: string): Finding {
  const { id, where } = component
  return { severity: 'error', code, message: `${called(component)} ${message}`, component: id, where }
}

/** An error of an input, at the place of its grouping. */
export function inputError(component: Component, input: Input, code: ErrorCode, message: string): Finding {
  return { ...errorOf(component, code, message), where: input.where ?? component.where }
}

export function warningOf(component: Component, code: WarningCode | ErrorCode, message: string): Finding {
  const { id, where } = component
  return { severity: 'warning', code, message: `${called(component)} ${message}`, component: id, where }
}

/** `bolt 'count'`. */
export function called(component: Component): string {
  return `${component.definition.kind} '${component.id}'`
}

/** `'split'` for its default stream, else `'split:rejected'`, as a grouping would write it. */
export function streamName(componentId: string, streamId: string): string {
  return streamId === DEFAULT_STREAM ? `'${componentId}'` : `'${componentId}:${streamId}'`
}

/** `; did you mean "word"?`, or nothing if no name is near. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const close = nearest(name, names)
  return close === undefined ? '' : `; did you mean "${close}"?`
}

/** `there are a, b`, or `there are none`. */
export function listed(names: Iterable<string>): string {
  const all = [...names]
  return all.length === 0 ? 'none' : all.join(', ')
}
