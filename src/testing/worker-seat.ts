/**
 * The place of one worker in a run: its host, its address, the worker that sits there now, and how often one
 * died.
 */
import { assertDefined } from '../base/assert.ts'
import type { Stoppable } from '../host/host.ts'
import { type AckLoss, Office } from '../worker/seat/office.ts'
import type { WorkerSpec } from '../worker/spec.ts'
import { Worker } from '../worker/worker.ts'
import type { SeatRun } from './local-run-spec.ts'

/** A worker that lived this long has not died recently. */
const RECENT_MS = 60_000

export class WorkerSeat {
  readonly number: number
  incarnation = 0
  worker: Worker | undefined = undefined
  private readonly run: SeatRun
  private readonly placement: readonly number[]
  private office: Office | undefined = undefined
  private deaths: number[] = []
  private hang: Stoppable | undefined = undefined

  constructor(run: SeatRun, number: number, placement: readonly number[]) {
    this.run = run
    this.number = number
    this.placement = placement
    this.incarnation = run.spec.incarnationsBefore ?? 0
  }

  get isAlive(): boolean {
    return this.worker !== undefined
  }

  get recentDeaths(): number {
    const now = this.run.spec.host.clock.monotonicMs()
    this.deaths = this.deaths.filter((at) => now - at < RECENT_MS)
    return this.deaths.length
  }

  /** A seat without a worker is not quiet: the one that comes may have something to say. */
  get isQuiet(): boolean {
    return this.worker?.isQuiet === true && this.office?.isQuiet !== false
  }

  /** Puts a worker together and lets others reach it. */
  async open(): Promise<void> {
    const { run } = this
    const { spec } = run
    this.incarnation += 1
    const host = { ...spec.hostOf(this.number), net: spec.netOf(this.number) }
    const plan = this.workerSpec(host.name)
    const { token, addressOf, ackLoss } = run
    const { log } = spec
    const office =
      run.workerCount > 1 ? new Office({ worker: plan, host, log, token, addressOf, ackLoss }) : undefined
    const worker = new Worker({
      spec: plan,
      host,
      log,
      owner: run,
      positions: run.positions,
      linkTo: (peer) => assertDefined(office, 'one worker has no peers').linkTo(peer),
      ...(spec.stepLimitOf === undefined ? {} : { stepLimit: spec.stepLimitOf(this.number) }),
      ...(spec.beforeCall === undefined ? {} : { beforeCall: spec.beforeCall }),
      ...(spec.loadModule === undefined ? {} : { loadModule: spec.loadModule }),
    })
    this.worker = worker
    this.office = office
    spec.onWorkerMade?.(worker)
    await office?.open(worker)
  }

  async start(): Promise<void> {
    await assertDefined(this.worker, 'opened before it is started').start()
  }

  async stop(): Promise<void> {
    this.hang?.stop()
    const { worker, office } = this
    this.worker = undefined
    await worker?.stop()
    office?.close()
  }

  kill(): void {
    this.hang?.stop()
    if (this.worker !== undefined) this.deaths.push(this.run.spec.host.clock.monotonicMs())
    this.worker?.kill()
    this.office?.close()
    this.worker = undefined
    this.office = undefined
    this.run.spec.onWorkerKilled?.(this.number)
  }

  /** Stops the worker's loop for a while: it neither works nor dies. */
  hangFor(durationMs: number): void {
    const { worker } = this
    if (worker === undefined) return
    worker.loop.isHung = true
    this.hang = this.run.spec.host.timers.after(durationMs, () => worker.loop.resume())
  }

  onPeerRestarted(peer: number, incarnation: number): void {
    if (peer !== this.number) this.office?.onPeerRestarted(peer, incarnation)
  }

  loseAcks(loss: AckLoss | undefined): void {
    this.office?.loseAcks(loss)
  }

  private workerSpec(node: string): WorkerSpec {
    const { run } = this
    const { spec } = run
    return {
      topologyName: spec.name,
      topology: { ...spec.topology, config: { ...spec.topology.config, workers: run.workerCount } },
      settings: run.settings,
      expanded: run.expanded,
      placement: this.placement,
      worker: this.number,
      incarnation: this.incarnation,
      node,
      port: this.number,
      isDev: spec.isDev,
    }
  }
}
