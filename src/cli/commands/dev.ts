/**
 * `typhoon dev`: runs a topology, and goes on with a new version whenever one of its files is saved.
 *
 *   saved ─▶ import and build the new version ─┬▶ wrong: said, the old one runs on
 *                                              └▶ old one drained, its state taken ─▶ new one started
 *                                                             │ does not start: said, the old one again
 *
 * Keys on a terminal: q quit, r start over, p pause, g graph.
 */
import { importerFor } from '../../host/cli/node-cli-modules.ts'
import { topologyDocument } from '../../topology/describe/document.ts'
import { settingsOf } from '../../topology/expand.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import { counted, shortTime } from '../figures.ts'
import { drawText } from '../graph/draw-text.ts'
import { graphOf } from '../graph/graph-model.ts'
import type { Invocation } from '../invocation.ts'
import {
  type BuiltSource,
  buildSource,
  loadTopology,
  locateTopology,
  type TopologyPlace,
} from '../load/load-topology.ts'
import { FileWatch } from '../run/file-watch.ts'
import { onInterrupt } from '../run/interrupts.ts'
import { type Kept, keepState, type StateByComponent } from '../run/keep-state.ts'
import { type RunView, runViewFor } from '../run/run-view.ts'
import { Session } from '../run/session.ts'
import { reportOf } from '../say/error-report.ts'
import { errorText } from '../say/error-text.ts'
import type { Shell } from '../shell.ts'

export async function dev(shell: Shell, invocation: Invocation): Promise<number> {
  const place = await locateTopology(shell, invocation, invocation.args[0] ?? '')
  return new Dev(shell, withDefaults(invocation, place), place).toEnd()
}

/** What `dev` in typhoon.config.ts says holds where the command line says nothing. */
function withDefaults(invocation: Invocation, { project }: TopologyPlace): Invocation {
  const { workers, for: duration } = project?.config.dev ?? {}
  return invocation.withDefaults({
    ...(workers === undefined ? {} : { workers: String(workers) }),
    ...(duration === undefined ? {} : { for: duration }),
  })
}

class Dev {
  private readonly shell: Shell
  private readonly invocation: Invocation
  private readonly place: TopologyPlace
  private readonly view: RunView
  private readonly watch: FileWatch
  private session: Session | undefined = undefined
  private built: BuiltSource | undefined = undefined
  /** Sources have ended: the next version starts over. */
  private hasEnded = false
  private isPaused = false
  /** Changes come one after the other. */
  private turn: Promise<void> = Promise.resolve()
  private end: (exitCode: number) => void = () => undefined

  constructor(shell: Shell, invocation: Invocation, place: TopologyPlace) {
    this.shell = shell
    this.invocation = invocation
    this.place = place
    this.view = runViewFor(shell, invocation.output)
    this.watch = new FileWatch(shell.files, shell.timers, (paths) => this.enqueue(() => this.reload(paths)))
  }

  async toEnd(): Promise<number> {
    const ended = new Promise<number>((resolve) => {
      this.end = resolve
    })
    const ask = onInterrupt({
      first: (exitCode) => this.end(exitCode),
      again: (exitCode) => this.shell.endNow(exitCode),
    })
    const { terminal, timers } = this.shell
    const keys = terminal.hasKeyboard ? terminal.onKey((key) => this.onKey(key, ask)) : undefined
    await this.first()
    const forMs = this.invocation.durationMs('for')
    const timer = forMs === undefined ? undefined : timers.after(forMs, () => this.end(ExitCode.OK))
    const exitCode = await ended
    timer?.stop()
    keys?.stop()
    this.watch.stop()
    await this.turn
    await this.conclude()
    return exitCode
  }

  /** A first version that is wrong is no reason to leave: it is about to be corrected. */
  private async first(): Promise<void> {
    const built = await this.attempt()
    if (built === undefined) return
    const directory = this.shell.files.resolve(
      this.shell.terminal.directory,
      this.invocation.text('directory') ?? '.',
    )
    this.view.note('started', this.headLine(built, directory), { topology: nameOf(built) })
    try {
      await this.start(built, this.invocation.flag('fresh'))
    } catch (error) {
      this.sayError(error)
      this.view.note('rejected', 'it does not start; correct it and save')
    }
  }

  private headLine(built: BuiltSource, directory: string): string {
    const { paintError: paint, machine } = this.shell
    const { workers } = settingsOf(built.topology).topology
    const keys = this.shell.terminal.hasKeyboard ? '   [p] pause  [r] start over  [g] graph  [q] quit' : ''
    const parts = [
      `${paint('bold', `typhoon ${machine.packageVersion()}`)}  ${this.shell.short(built.file)}`,
      `local, ${counted(workers, 'worker')}`,
      `positions in ${this.shell.short(directory)}`,
    ]
    return `${parts.join('  ·  ')}${paint('dim', keys)}`
  }

  /** The version on disk; undefined: it is wrong, and that was said. Watches its files in any case. */
  private async attempt(): Promise<BuiltSource | undefined> {
    try {
      const source = await loadTopology(this.shell, this.place)
      await this.watch.watch(source.module.files)
      return await buildSource(this.shell, this.invocation, this.place, source)
    } catch (error) {
      if (error instanceof CommandFailure && error.exitCode === ExitCode.NOT_FOUND) throw error
      const modules = await this.shell.modules()
      await this.watch.watch(modules.lastFiles())
      this.sayError(error)
      return undefined
    }
  }

  private async start(built: BuiltSource, isFresh: boolean, state?: StateByComponent): Promise<void> {
    const session = await Session.start({
      name: nameOf(built),
      topology: built.topology,
      loadModule: importerFor(this.place.file),
      directory: this.shell.files.resolve(
        this.shell.terminal.directory,
        this.invocation.text('directory') ?? '.',
      ),
      isFresh,
      isDev: true,
      view: this.view,
      isContinued: state !== undefined,
      ...(state === undefined ? {} : { state }),
    })
    this.session = session
    this.built = built
    this.hasEnded = false
    if (this.isPaused) session.run.deactivate()
    session.run
      .finished()
      .then(() => this.onFinished(session))
      .catch((error: unknown) => this.onFailed(session, error))
  }

  private onFinished(session: Session): void {
    if (session !== this.session) return
    this.hasEnded = true
    this.view.note('finished', 'all sources have ended; a save starts over')
  }

  private onFailed(session: Session, error: unknown): void {
    if (session !== this.session) return
    this.hasEnded = true
    this.sayError(error)
    this.view.note('failed', 'the topology has stopped itself; a save starts over')
  }

  private async reload(paths: readonly string[]): Promise<void> {
    const startMs = this.shell.nowMs()
    const saved = paths.map((path) => this.shell.short(path)).join(', ')
    const built = await this.attempt()
    if (built === undefined) {
      const then = this.session === undefined ? 'correct it' : 'the version before runs on'
      this.view.note('rejected', `${saved} saved, but it is wrong; ${then}`)
      return
    }
    const swapped = await this.swap(built)
    if (swapped === undefined) return
    const { kept } = swapped
    const took = shortTime(this.shell.nowMs() - startMs)
    const mark = this.shell.paintError('cyan', '✎')
    const line = `${mark} ${saved} saved → reloaded in ${took}; ${keptText(kept, built)}`
    this.view.note('reloaded', line, { files: paths, kept: kept?.kept ?? [], dropped: kept?.dropped ?? [] })
  }

  /** From the running version to this one; undefined: it did not start, and the old one runs again. */
  private async swap(built: BuiltSource): Promise<Swapped | undefined> {
    const { session: old, built: oldBuilt } = this
    this.session = undefined
    const startsOver = this.hasEnded || old === undefined
    const state = await this.stateOf(old)
    const kept = startsOver ? undefined : keepState(state, built.topology)
    try {
      await this.start(built, startsOver && old !== undefined, kept?.state)
      return { kept }
    } catch (error) {
      this.sayError(error)
      if (oldBuilt === undefined || startsOver) return undefined
      this.view.note('rejected', 'the new version does not start; the version before runs on')
      await this.start(oldBuilt, false, state)
      return undefined
    }
  }

  private async stateOf(old: Session | undefined): Promise<StateByComponent> {
    if (old === undefined) return new Map()
    const leftCount = await old.quiet()
    if (leftCount > 0) {
      const what = `${counted(leftCount, 'tuple')} not finished in time; read again, where the source can`
      this.view.note('undrained', what, { count: leftCount })
    }
    const state = old.run.takeState()
    await old.stop()
    return state
  }

  private onKey(key: string, ask: () => void): void {
    if (key === '\u0003') ask()
    else if (key === 'q') this.end(ExitCode.OK)
    else if (key === 'r') this.enqueue(() => this.startOver())
    else if (key === 'p') this.pause()
    else if (key === 'g') this.showGraph()
  }

  private async startOver(): Promise<void> {
    const { built, session } = this
    if (built === undefined) return
    this.session = undefined
    await session?.stop()
    await this.start(built, true)
    this.view.note('restarted', 'started over: nothing was kept')
  }

  private pause(): void {
    const { session } = this
    if (session === undefined) return
    this.isPaused = !this.isPaused
    this.view.note(this.isPaused ? 'paused' : 'resumed', this.isPaused ? 'paused; p goes on' : 'goes on')
    if (this.isPaused) session.run.deactivate()
    else this.enqueue(() => session.run.activate())
  }

  private showGraph(): void {
    if (this.built === undefined) return
    const { topology } = this.built
    const drawn = graphOf(nameOf(this.built), topologyDocument(topology), settingsOf(topology))
    this.view.note('graph', drawText(drawn, this.shell.terminal.err.columns()).join('\n'))
  }

  private enqueue(step: () => Promise<void>): void {
    this.turn = this.turn.then(step).catch((error: unknown) => this.sayError(error))
  }

  private sayError(error: unknown): void {
    const report = reportOf(error)
    const text = errorText(report, this.shell.terminal.directory, this.shell.paintError)
    this.view.note('error', text.trimEnd(), { exitCode: report.exitCode, errors: report.troubles })
  }

  private async conclude(): Promise<void> {
    const { session } = this
    if (session === undefined) {
      this.view.close()
      return
    }
    const { elapsedMs } = session
    await session.drain()
    this.view.ended({
      name: session.run.spec.name,
      why: 'stopped',
      elapsedMs,
      figures: session.figures(),
      deadLetterCount: session.run.deadLetters.letters.length,
    })
  }
}

interface Swapped {
  /** Undefined: it started over. */
  readonly kept: Kept | undefined
}

function nameOf(built: BuiltSource): string {
  return built.topology.name ?? built.name
}

/** What went over into the new version, and what did not, in one line. */
function keptText(kept: Kept | undefined, { topology }: BuiltSource): string {
  if (kept === undefined) return 'started over'
  const states = kept.kept.map(({ componentId, name, keyCount }) => {
    return `state ${name} of ${componentId} (${counted(keyCount, 'key')})`
  })
  const spouts = [...topology.components.values()].filter(({ definition }) => definition.kind === 'spout')
  const isReplayable = (replay: string): string[] =>
    spouts.flatMap(({ id, definition }) =>
      'replay' in definition && definition.replay === replay ? [id] : [],
    )
  const positions = isReplayable('replayable').map((id) => `position of ${id}`)
  const restarted = isReplayable('plain').map((id) => `${id}, which begins anew`)
  const lost = [...restarted, ...kept.dropped.map((name) => `state ${name}`), 'what prepare and open made']
  const all = [...states, ...positions]
  return `kept: ${all.length === 0 ? 'nothing' : all.join(', ')}; not kept: ${lost.join(', ')}`
}
