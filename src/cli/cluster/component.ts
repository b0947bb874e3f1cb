/** A component that a command names, against those of the topology. */
import { nearest } from '../../base/nearest.ts'
import type { ComponentStatus, TopologyStatus } from '../../rpc/contract.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'

/** @throws CommandFailure there is none of that name: with the nearest, and all that there are */
export function componentOf({ components }: TopologyStatus, name: string): ComponentStatus {
  const found = components.find(({ component }) => component === name)
  if (found !== undefined) return found
  const names = components.map(({ component }) => component)
  const near = nearest(name, names)
  const hint = near === undefined ? '' : `did you mean ${near}? `
  const fix = `${hint}there are ${names.join(', ')}`
  throw new CommandFailure(`there is no component '${name}'`, { exitCode: ExitCode.NOT_FOUND, fix })
}
