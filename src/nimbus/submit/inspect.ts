/**
 * What the throw-away child says of a bundle. In production a process that loads the module and ends; in the simulator
 * a function. User code never runs in Nimbus itself.
 */
import type { Json } from '../../topology/document.ts'
import type { TopologyOutline } from '../../topology/outline.ts'

export interface InspectQuestion {
  readonly bundlePath: string
  readonly args: Json
  readonly config: Json
  readonly name: string
}

export type InspectAnswer =
  | {
      readonly kind: 'built'
      readonly outline: TopologyOutline
      readonly warnings: readonly { readonly code: string; readonly message: string }[]
    }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

/** Ends within its own time, whatever the module does. @throws UnavailableError CONNECT_FAILED no process was given */
export type Inspect = (question: InspectQuestion) => Promise<InspectAnswer>
