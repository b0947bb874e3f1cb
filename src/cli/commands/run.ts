/**
 * `typhoon run`: a topology in this process, until its sources end, a time is over, or somebody stops it.
 *
 *   start ─▶ runs ─┬▶ sources ended ─▶ summary, positions forgotten ──▶ 0
 *                  ├▶ --for is over ─▶ drained, positions kept ───────▶ 0
 *                  ├▶ SIGINT, SIGTERM ─▶ the same ────────────────────▶ 130, 143; the second time at once
 *                  └▶ it stopped itself ──────────────────────────────▶ 1
 */
import { importerFor } from '../../host/cli/node-cli-modules.ts'
import { ExitCode } from '../exit-code.ts'
import { counted } from '../figures.ts'
import type { Invocation } from '../invocation.ts'
import { buildSource, loadTopology, locateTopology } from '../load/load-topology.ts'
import { onInterrupt } from '../run/interrupts.ts'
import { type RunView, runViewFor } from '../run/run-view.ts'
import { Session } from '../run/session.ts'
import type { Shell } from '../shell.ts'

interface End {
  readonly exitCode: number
  readonly why: string
  readonly kind: 'finished' | 'asked' | 'time-over'
}

export async function run(shell: Shell, invocation: Invocation): Promise<number> {
  const forMs = invocation.durationMs('for')
  const place = await locateTopology(shell, invocation, invocation.args[0] ?? '')
  const built = await buildSource(shell, invocation, place, await loadTopology(shell, place))
  const view = runViewFor(shell, invocation.output)
  for (const { code, message } of built.warnings)
    view.note('warning', `warning ${code}  ${message}`, { code })
  const session = await Session.start({
    name: built.topology.name ?? built.name,
    topology: built.topology,
    directory: shell.files.resolve(shell.terminal.directory, invocation.text('directory') ?? '.'),
    isFresh: invocation.flag('fresh'),
    loadModule: importerFor(place.file),
    isDev: false,
    view,
  })
  try {
    const end = await endOf(shell, session, view, forMs)
    return await conclude(session, view, end)
  } catch (error) {
    view.close()
    await session.stop()
    throw error
  }
}

/** Waits for what ends the run. Rejects if the topology stopped itself. */
function endOf(shell: Shell, session: Session, view: RunView, forMs: number | undefined): Promise<End> {
  return new Promise((resolve, reject) => {
    onInterrupt({
      first: (exitCode) => {
        const { pendingCount } = session.figures()
        const flight = pendingCount === 0 ? '' : `, ${counted(pendingCount, 'tuple')} in flight`
        view.note('stopping', `stopping${flight}; again to end at once`)
        resolve({ exitCode, why: 'stopped', kind: 'asked' })
      },
      again: (exitCode) => {
        const { pendingCount } = session.figures()
        view.close()
        view.note('cut-short', `ended at once, ${counted(pendingCount, 'tuple')} in flight`)
        shell.endNow(exitCode)
      },
    })
    const timer =
      forMs === undefined
        ? undefined
        : session.after(forMs, () =>
            resolve({ exitCode: ExitCode.OK, why: 'time is over', kind: 'time-over' }),
          )
    session.run
      .finished()
      .then(() => resolve({ exitCode: ExitCode.OK, why: 'all sources have ended', kind: 'finished' }))
      .catch(reject)
      .finally(() => timer?.stop())
  })
}

async function conclude(session: Session, view: RunView, end: End): Promise<number> {
  const { elapsedMs } = session
  if (end.kind === 'finished') {
    await session.finish()
  } else {
    const leftCount = await session.drain()
    if (leftCount > 0) {
      const what = `${counted(leftCount, 'tuple')} were still in flight, and will be read again`
      view.note('undrained', what, { count: leftCount })
    }
  }
  view.ended({
    name: session.run.spec.name,
    why: end.why,
    elapsedMs,
    figures: session.figures(),
    deadLetterCount: session.run.deadLetters.letters.length,
  })
  return end.exitCode
}
