/**
 * What the throw-away child says of a bundle. In production a process that loads the module and ends; in
 * the simulator a function. User code never runs in Nimbus itself.
 */
import type { Json } from '../../topology/describe/document.ts'
import type { InspectResult } from '../../topology/describe/inspect-result.ts'

export interface InspectQuestion {
  readonly bundlePath: string
  readonly args: Json
  readonly config: Json
  readonly name: string
}

/**
 * Ends within its own time, whatever the module does. @throws UnavailableError CONNECT_FAILED no process
 * was given
 */
export type Inspect = (question: InspectQuestion) => Promise<InspectResult>
