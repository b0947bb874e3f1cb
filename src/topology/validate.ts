/**
 * Checks a topology before anything runs: every finding at once, each with what was found, what there is, the
 * nearest right name, and the place in the user's code.
 *
 * Route: builder.ts and build.ts → [here] → a UsageError, or nothing. The command line shows warnings, too.
 *
 * Pure: the same topology gives the same findings in the same order. What one call alone can tell (an id, a
 * number) was told there: see builder.ts.
 */
import { isErrorCode } from '../base/error-codes.ts'
import { UsageError } from '../base/errors.ts'
import { checkComponents } from './check/components.ts'
import type { Finding } from './check/finding.ts'
import { checkInputs } from './check/inputs.ts'
import { lookAt } from './check/look.ts'
import { checkWhole } from './check/whole.ts'
import type { Topology } from './topology.ts'

/** Everything that can be said of a topology, errors first. */
export function checkTopology(topology: Topology): readonly Finding[] {
  const look = lookAt(topology)
  const all = [...checkInputs(look), ...checkWhole(look), ...checkComponents(look), ...look.findings]
  return [
    ...all.filter((finding) => finding.severity === 'error'),
    ...all.filter((finding) => finding.severity === 'warning'),
  ]
}

/**
 * Throws if a topology has errors: one UsageError with the code of the first, and all of them in its message
 * and in `details.findings`, one a line.
 * @throws UsageError
 */
export function refuseErrors(topology: Topology): void {
  const errors = checkTopology(topology).filter((finding) => finding.severity === 'error')
  const [first] = errors
  if (first === undefined || !isErrorCode(first.code)) return
  const lines = errors.map(described)
  const name = topology.name === undefined ? 'the topology' : `the topology ${topology.name}`
  const message =
    lines.length === 1 ? lines.join() : `${name} has ${lines.length} errors:\n  ${lines.join('\n  ')}`
  throw new UsageError(first.code, message, {
    findings: errors.map((finding, at) => `${finding.code}: ${lines[at]}`).join('\n'),
    ...(first.component === undefined ? {} : { component: first.component }),
    ...(first.where === undefined ? {} : { where: first.where }),
  })
}

/** A finding in a line: what, then where. */
export function described({ message, where }: Finding): string {
  return where === undefined ? message : `${message} (${where})`
}
