/** A component that a call names, against those that there are. Pure. */
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { TopologyOutline } from '../../topology/describe/outline.ts'

/** Components that a message names. */
const NAMED_MAX = 20
const SHOWN_MAX = 100

/**
 * @param more what else may stand there than the topology's own components
 * @throws UsageError UNKNOWN_COMPONENT
 */
export function checkComponent(
  call: string,
  id: string,
  { components }: TopologyOutline,
  more: readonly string[] = [],
): void {
  if (more.includes(id) || components.some((each) => each.id === id)) return
  const own = components.flatMap((each) => (each.kind === 'system' ? [] : [each.id]))
  const rest = own.length > NAMED_MAX ? ' …' : ''
  const there = `${[...own.slice(0, NAMED_MAX), ...more].join(', ')}${rest}`
  const near = nearest(id, [...own, ...more])
  const hint = near === undefined ? '' : `; did you mean "${near}"?`
  const shown = id.slice(0, SHOWN_MAX)
  const text = `${call}: there is no component '${shown}', there are ${there}${hint}`
  throw new UsageError('UNKNOWN_COMPONENT', text, { component: shown })
}
