/** Imports a module of the user's; what goes wrong is told with its place. */

import { isStreamError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { LoadedModule } from '../../host/cli/node-cli-modules.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import type { Shell } from '../shell.ts'

const OWN_NAME = 'typhoon'

/**
 * @param path absolute
 * @throws CommandFailure it is not there, does not compile, or threw
 * @throws StreamError it threw one of ours
 */
export async function importModule(shell: Shell, path: string): Promise<LoadedModule> {
  const facts = await shell.files.stat(path)
  if (facts?.kind !== 'file') {
    throw new CommandFailure(`there is no file ${shell.short(path)}`, { exitCode: ExitCode.NOT_FOUND })
  }
  const modules = await shell.modules()
  const load = await modules.load(path)
  if (load.loaded !== undefined) return load.loaded
  if ('problems' in load) {
    const [first] = load.problems
    const more = load.problems.length > 1 ? ` (and ${load.problems.length - 1} more)` : ''
    const message = `${shell.short(path)} does not compile: ${first?.message ?? 'no reason given'}${more}`
    throw new CommandFailure(message, { where: first?.where })
  }
  if (isStreamError(load.thrown)) throw load.thrown
  const missing = missingPackage(load.thrown)
  if (missing !== undefined) {
    const message = `${shell.short(missing.importer)} imports '${missing.name}', which is not installed`
    throw new CommandFailure(message, {
      fix: isMisspelt(missing.name) ? `did you mean '${OWN_NAME}'?` : `npm install ${missing.name}`,
    })
  }
  throw new CommandFailure(`${shell.short(path)} threw while it was imported`, {
    cause: load.thrown,
    fix: 'correct the module; what is needed at run time only belongs into prepare or open',
  })
}

/** Nobody is told to install a package whose name is nearly ours. */
function isMisspelt(name: string): boolean {
  return name !== OWN_NAME && nearest(name, [OWN_NAME]) !== undefined
}

/** Of Node's message, which alone says it. */
function missingPackage(error: unknown): { readonly name: string; readonly importer: string } | undefined {
  if (!(error instanceof Error)) return undefined
  const [, name, importer] = /^Cannot find package '([^']+)' imported from (.+)$/.exec(error.message) ?? []
  return name === undefined || importer === undefined ? undefined : { name, importer }
}
