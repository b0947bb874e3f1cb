/**
 * The command line: `bin/typhoon.js` calls `main` and ends with the number it gives.
 *
 *   argv ─▶ command-line.ts ─▶ the command, imported only now ─▶ exit code
 *                                   │ throws
 *                                   └▶ say/error-report.ts ─▶ stderr, exit code
 *
 * Start-up counts (a run reaches its first tuple within 300 ms), so what one command needs is imported by it.
 */

import { nodeMachine } from '../host/cli/node-cli-machine.ts'
import { nodeTerminal, type Terminal } from '../host/cli/node-cli-terminal.ts'
import { createNodeHost } from '../host/node-host.ts'
import { understand } from './command-line.ts'
import { commandNamed } from './command-list.ts'
import { ExitCode } from './exit-code.ts'
import { paintFor } from './paint.ts'
import { Shell } from './shell.ts'

/** Runs a command line. Ends the process itself, when everything is printed: a user's module may hold it. */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = nodeTerminal()
  const uncaught: Uncaught = { exitCode: undefined }
  const code = await execute(argv, terminal, uncaught)
  // Node tells of rejections between two turns only; one of this turn must not be lost.
  await terminal.nextTurn()
  return terminal.end((await uncaught.exitCode) ?? code)
}

/** What nobody caught, once there is something; its exit code wins over the command's. */
interface Uncaught {
  exitCode: Promise<number> | undefined
}

async function execute(argv: readonly string[], terminal: Terminal, uncaught: Uncaught): Promise<number> {
  let shell = shellOf(terminal, undefined)
  let isJson = false
  try {
    const words = argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V') ? ['version'] : argv
    const { invocation, ...help } = understand(words, terminal.out.columns())
    if (invocation === undefined) {
      terminal.out.write('text' in help ? help.text : '')
      return ExitCode.OK
    }
    shell = shellOf(terminal, invocation.text('color'))
    isJson = invocation.output.startsWith('json')
    endOnUncaught(shell, isJson, uncaught)
    const run = await commandNamed(invocation.command)
    return run === undefined ? ExitCode.BUG : await run(shell, invocation)
  } catch (error) {
    return await tell(shell, error, isJson)
  }
}

function shellOf(terminal: Terminal, color: string | undefined): Shell {
  const host = createNodeHost()
  return new Shell({
    terminal,
    machine: nodeMachine,
    files: host.files,
    timers: host.timers,
    clock: host.clock,
    paint: paintFor(terminal, terminal.out, color),
    paintError: paintFor(terminal, terminal.err, color),
    makeModules: async () => (await import('../host/cli/node-cli-modules.ts')).createModuleLoader(),
  })
}

async function tell(shell: Shell, error: unknown, isJson: boolean): Promise<number> {
  const { sayError } = await import('./say/say-error.ts')
  return sayError(shell, error, isJson)
}

/** An error nobody caught ends the process: whose it is, its innermost frame says. */
function endOnUncaught(shell: Shell, isJson: boolean, uncaught: Uncaught): void {
  shell.terminal.onUncaught((error, kind) => {
    // One is enough: what follows is mostly of the same making.
    if (uncaught.exitCode !== undefined) return
    const said = import('./say/say-error.ts').then(({ sayUncaught }) =>
      sayUncaught(shell, error, kind, isJson),
    )
    uncaught.exitCode = said
    said.then((exitCode) => shell.endNow(exitCode)).catch((late: unknown) => shell.say(String(late)))
  })
}
