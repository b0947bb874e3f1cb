/**
 * A topology that runs on a cluster, as a program sees it. It holds nothing but name and id: every call asks
 * Nimbus. What changes it is meant for this id: another of its name is left alone.
 */
import { UsageError } from '../../base/errors.ts'
import { hide } from '../../base/hide.ts'
import { parseDuration } from '../../config/duration.ts'
import type { Duration } from '../../config/topology-config.ts'
import type { Host } from '../../host/host.ts'
import type { AnyValues } from '../../topology/tuple.ts'
import type {
  ErrorSummary,
  KillOptions,
  RebalanceOptions,
  RunningTopology,
  TappedTuple,
  TopologyMetrics,
  TopologyStatus,
  TupleTrace,
  WaitOptions,
} from '../contract.ts'
import type { WorkerStatus } from '../nimbus-api.ts'
import type { NimbusClient } from '../nimbus-client.ts'
import { LastTrouble } from './last-trouble.ts'
import { kill, rebalance } from './sure-calls.ts'
import { pause, type WaitHost, waitForWork, waitUntil } from './waiting.ts'

export interface ClusterTopologySpec {
  readonly nimbus: NimbusClient
  readonly host: WaitHost & Pick<Host, 'random'>
  readonly name: string
  readonly id: string
  /** Its context is marked as production: dangerous actions have to be confirmed. */
  readonly isProduction: boolean
}

const METRICS_EVERY = '1s'

export class ClusterTopology implements RunningTopology {
  readonly name: string
  readonly id: string
  private readonly nimbus: NimbusClient
  private readonly host: ClusterTopologySpec['host']
  private readonly isProduction: boolean

  constructor({ nimbus, host, name, id, isProduction }: ClusterTopologySpec) {
    this.nimbus = nimbus
    this.host = host
    this.name = name
    this.id = id
    this.isProduction = isProduction
    hide(this, 'nimbus', 'host', 'isProduction')
  }

  async status(): Promise<TopologyStatus> {
    return await this.nimbus.call('topology', [this.name])
  }

  async ready(options: WaitOptions = {}): Promise<void> {
    const last = new LastTrouble(this.nimbus, this.host, this.name)
    const look = async (): Promise<true | undefined> => {
      const { state, components, tasks } = await this.status()
      const ackedCount = components.reduce((sum, each) => sum + each.ackedCount, 0)
      const isReady = state === 'active' && ackedCount > 0
      const trouble = isReady ? undefined : await last.look()
      const done = state === 'active' ? tasks : 0
      options.onProgress?.({ step: state, done, total: tasks, unit: 'tasks', trouble })
      return isReady ? true : undefined
    }
    await waitUntil(this.host, `the first acked tuple of ${this.name}`, options, look, () => last.text)
  }

  async finished(options: WaitOptions = {}): Promise<void> {
    await waitUntil(this.host, `the end of the sources of ${this.name}`, options, async () => {
      const workers = await this.nimbus.call('workers', [this.name])
      const finished = workers.filter(({ beat }) => beat?.isFinished === true && beat.isQuiet)
      // Of a worker that was not heard of nobody knows how many it has.
      const total = workers.some(({ beat }) => beat === undefined) ? undefined : tasksIn(workers)
      options.onProgress?.({ step: 'finish', done: tasksIn(finished), total, unit: 'tasks' })
      return workers.length > 0 && finished.length === workers.length ? true : undefined
    })
  }

  async activate(): Promise<void> {
    await waitForWork(this.nimbus, this.host, await this.nimbus.call('activate', [this.name, this.id]))
  }

  async deactivate(options: WaitOptions = {}): Promise<void> {
    await waitForWork(
      this.nimbus,
      this.host,
      await this.nimbus.call('deactivate', [this.name, this.id]),
      options,
    )
  }

  async kill(options: KillOptions = {}): Promise<void> {
    if (this.isProduction && options.confirm !== this.name) {
      const message = `kill on a production context needs { confirm: '${this.name}' }; nothing was changed`
      throw new UsageError('CONFIRMATION_NEEDED', message, { topology: this.name })
    }
    const drainMs = options.drain === undefined ? undefined : parseDuration(options.drain, 'drain')
    const begun = await kill(this.nimbus, this, drainMs)
    await waitForWork(this.nimbus, this.host, begun, options)
  }

  async rebalance(options: RebalanceOptions): Promise<void> {
    const { workers, executors = {}, tasks = {} } = options
    const request = { workers, executors, tasks, scheduler: undefined, drainMs: undefined }
    const begun = await rebalance(this.nimbus, this.host, this, request)
    await waitForWork(this.nimbus, this.host, begun, options)
  }

  async *metrics(
    options: { readonly every?: Duration; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<TopologyMetrics> {
    const { signal } = options
    const everyMs = parseDuration(options.every ?? METRICS_EVERY, 'every')
    const isOver = () => signal?.aborted === true
    while (!isOver()) {
      const fromMs = this.host.clock.monotonicMs()
      try {
        yield await this.nimbus.call('metrics', [this.name], { signal })
        // A reader that was slow gets the next figures at once, not those that it missed.
        const tookMs = this.host.clock.monotonicMs() - fromMs
        await pause(this.host, Math.max(0, everyMs - tookMs), signal)
      } catch (error) {
        // Aborting is how the reader ends it.
        if (isOver()) return
        throw error
      }
    }
  }

  tap(): AsyncIterable<TappedTuple<AnyValues>> {
    throw notSupported('tap', this.name)
  }

  trace(): Promise<TupleTrace> {
    return Promise.reject(notSupported('trace', this.name))
  }

  readState(): Promise<unknown> {
    return Promise.reject(notSupported('readState', this.name))
  }

  async errors(): Promise<readonly ErrorSummary[]> {
    return await this.nimbus.call('errors', [this.name])
  }

  /** The topology goes on: leaving a program never ends what runs on a cluster. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve()
  }
}

/** As their workers report them, without ackers. */
function tasksIn(workers: readonly WorkerStatus[]): number {
  const components = workers.flatMap(({ beat }) => beat?.components ?? [])
  const own = components.filter(({ component }) => !component.startsWith('__'))
  return own.reduce((sum, { tasks }) => sum + tasks, 0)
}

function notSupported(call: string, topology: string): UsageError {
  const message = `${call} of '${topology}': this version does it in a LocalCluster only, not on a cluster`
  return new UsageError('NOT_SUPPORTED', message, { call })
}
