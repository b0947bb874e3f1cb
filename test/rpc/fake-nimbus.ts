// A Nimbus that answers every call with plausible figures, remembers what it was asked, and fails on command.
import { UnavailableError, UsageError } from '../../src/base/errors.ts'
import type { BlobRef } from '../../src/cluster/records.ts'
import type { ComponentStatus, TopologyStatus, TopologySummary } from '../../src/rpc/contract.ts'
import type { NimbusApi, OperationStatus, WorkerStatus } from '../../src/rpc/nimbus-api.ts'
import { nimbusRoutes } from '../../src/rpc/routes/nimbus-routes.ts'
import type { TopologyOutline } from '../../src/topology/describe/outline.ts'

export const startedAt = Date.UTC(2026, 0, 2, 3, 4, 5)

const summary: TopologySummary = {
  name: 'word-count',
  id: 'word-count-0000000100000002',
  state: 'active',
  version: 1,
  workers: 2,
  tasks: 8,
  submittedAt: startedAt,
}

const component = (name: string, more: Partial<ComponentStatus>): ComponentStatus => ({
  component: name,
  kind: 'bolt',
  executors: 2,
  tasks: 2,
  inPerSecond: 12_400,
  outPerSecond: 61_000,
  busy: 0.4,
  blocked: 0.05,
  idle: 0.55,
  inboxFill: 0.12,
  executeP50: 0.2,
  executeP99: 3.1,
  ackedCount: 1_000_000,
  failedCount: 3,
  restartCount: 1,
  lagCount: undefined,
  ...more,
})

const components = [
  component('lines', { kind: 'spout', inPerSecond: 0, executeP50: Number.NaN, lagCount: 41_102 }),
  component('split', {}),
  component('count', { busy: 0.97, idle: 0.03, blocked: 0, inboxFill: 0.71, executors: 4, tasks: 4 }),
]

export const status: TopologyStatus = {
  ...summary,
  guarantee: 'at-least-once',
  config: { workers: 2 },
  components,
  unplaced: [{ component: 'count', count: 1, why: 'no free slot' }],
  bottleneck: {
    component: 'count',
    since: startedAt,
    evidence: 'count is busy 97% with 71% of its inbox full',
  },
}

const worker: WorkerStatus = {
  topology: 'word-count',
  worker: 1,
  node: 'node-1',
  port: 6700,
  phase: 'running',
  incarnation: 16_384,
  pid: 4_711,
  restartCount: 1,
  why: '',
  executors: '1-4',
  uptimeMs: 65_000,
  beat: undefined,
  atRisk: ['memory grows by 12 MB/min: full in 31 min'],
}

/** As a Nimbus does: standby.contract.ts. */
function isTakenByAll(name: string): boolean {
  const routes: Readonly<Record<string, { readonly isAnsweredByAll: boolean }>> = nimbusRoutes
  return routes[name]?.isAnsweredByAll === true || name === 'writeBlob' || name === 'deleteBlob'
}

export class FakeNimbus implements NimbusApi {
  readonly asked: (readonly [name: string, ...args: unknown[]])[] = []
  readonly stored = new Map<string, Uint8Array>()
  /** What it calls itself. */
  address = 'nimbus-1:6627'
  /** Who leads, if it is not this one. `null`: nobody does. */
  leader: string | null | undefined
  /** Stopped: it takes requests, and answers none. */
  isStopped = false
  /** Thrown by the next calls, one each. */
  readonly failures: unknown[] = []
  /** Steps that an operation has before it is done. */
  operationSteps = 0
  current: TopologyStatus = status
  isGone = false
  /** Id of another topology that has the name: what is meant for any other finds nothing. */
  replacedBy: string | undefined
  /** Changes of a topology that were answered as if they had been made. */
  readonly carriedOut: string[] = []
  /** Names that were submitted, beside the one that is running from the start. */
  private readonly submitted = new Set<string>()

  private note<T>(name: string, args: readonly unknown[], reply: T): Promise<T> {
    this.asked.push([name, ...args])
    if (this.isStopped) return new Promise(() => undefined)
    if (this.leader !== undefined && !isTakenByAll(name)) {
      const details = this.leader === null ? {} : { leader: this.leader }
      return Promise.reject(new UnavailableError('NIMBUS_NOT_LEADER', 'this Nimbus is a standby', details))
    }
    // Probes for the leader come in between.
    const failure = name === 'leadership' ? undefined : this.failures.shift()
    return failure === undefined ? Promise.resolve(reply) : Promise.reject(failure)
  }

  private named<T>(call: string, name: string, args: readonly unknown[], reply: T): Promise<T> {
    if ((name === 'word-count' || this.submitted.has(name)) && !this.isGone)
      return this.note(call, [name, ...args], reply)
    this.asked.push([call, name, ...args])
    const known = this.isGone ? '' : "; did you mean 'word-count'?"
    return Promise.reject(new UsageError('TOPOLOGY_NOT_FOUND', `no topology '${name}' is running${known}`))
  }

  private async change(
    kind: OperationStatus['kind'],
    name: string,
    id: string | undefined,
    args: readonly unknown[],
  ): Promise<OperationStatus> {
    const reply = await this.named(kind, name, args, this.work(kind, name))
    if (id !== undefined && this.replacedBy !== undefined && id !== this.replacedBy)
      throw new UsageError('TOPOLOGY_NOT_FOUND', `the topology ${id} is not running`)
    this.carriedOut.push(kind)
    return reply
  }

  private work(kind: OperationStatus['kind'], subject: string): OperationStatus {
    const state = this.operationSteps > 0 ? 'running' : 'done'
    return { id: `op-${kind}`, kind, subject, step: 'drain', done: 0, total: 4, state, error: undefined }
  }

  submit: NimbusApi['submit'] = (_, request) => {
    this.submitted.add(request.name)
    return this.note('submit', [request], {
      id: 'word-count-1',
      name: request.name,
      isRepeated: false,
      warnings: ['2 of 4 workers have no slot yet'],
    })
  }
  preview: NimbusApi['preview'] = (_, request) =>
    this.note('preview', [request], {
      findings: [{ severity: 'warning', code: 'NOT_ENOUGH_SLOTS', message: 'needs 4 slots, 3 are free' }],
      changes: [{ kind: 'parallelism', subject: 'count', before: '4', after: '8' }],
      slots: { needed: 4, free: 3 },
    })
  topologies: NimbusApi['topologies'] = () => this.note('topologies', [], this.isGone ? [] : [summary])
  topology: NimbusApi['topology'] = (_, name) => this.named('topology', name, [], this.current)
  outline: NimbusApi['outline'] = (_, name) => this.named('outline', name, [], outline)
  activate: NimbusApi['activate'] = (_, name, id) => this.change('activate', name, id, [id])
  deactivate: NimbusApi['deactivate'] = (_, name, id) => this.change('deactivate', name, id, [id])
  kill: NimbusApi['kill'] = (_, name, drainMs, id) => this.change('kill', name, id, [drainMs, id])
  rebalance: NimbusApi['rebalance'] = (_, name, request) =>
    this.change('rebalance', name, request.topologyId, [request])
  operation: NimbusApi['operation'] = (_, id) => {
    const isRunning = this.operationSteps > 0
    this.operationSteps -= 1
    const step: OperationStatus = {
      id,
      kind: 'kill',
      subject: 'word-count',
      step: isRunning ? 'drain' : 'removed',
      done: isRunning ? 2 : 4,
      total: 4,
      state: isRunning ? 'running' : 'done',
      error: undefined,
    }
    return this.note('operation', [id], step)
  }
  metrics: NimbusApi['metrics'] = (_, name) =>
    this.named('metrics', name, [], {
      at: startedAt,
      components,
      completeP50: 2.5,
      completeP99: 41,
      ackedPerSecond: 12_400,
      failedPerSecond: 0,
      samples: [
        { name: 'typhoon_tuples_acked_total', labels: { topology: 'word-count' }, value: 7 },
        {
          name: 'typhoon_complete_duration_seconds',
          labels: {},
          value: {
            buckets: [
              [0.1, 3],
              [Number.POSITIVE_INFINITY, 4],
            ],
            count: 4,
            sum: 0.5,
          },
        },
      ],
    })
  errors: NimbusApi['errors'] = (_, name) =>
    this.named(
      'errors',
      name,
      [],
      [
        {
          code: 'EXECUTE_THREW',
          family: 'user-code',
          component: 'split',
          message: 'no such city',
          count: 3,
          firstAt: startedAt,
          lastAt: startedAt + 1_000,
          stack:
            'Error: no such city\n    at g (/opt/typhoon/dist/a.js:3:4)\n    at execute (lib/split.ts:7:9)',
          details: { task: 4 },
        },
      ],
    )
  deadLetters: NimbusApi['deadLetters'] = (_, name) => this.named('deadLetters', name, [], [{ word: 'a' }])
  workers: NimbusApi['workers'] = (_, name) => this.named('workers', name, [], [worker])
  logs: NimbusApi['logs'] = (_, name, query) =>
    this.named(
      'logs',
      name,
      [query],
      [
        {
          node: 'node-1',
          port: 6700,
          worker: 1,
          lines: [
            '{"time":"2026-01-02T03:04:05.000Z","level":"info","msg":"started","component":"split"}',
            '{"time":"2026-01-02T03:04:06.000Z","level":"warn","msg":"slow","component":"count"}',
            'a line of print',
          ],
          next: '100',
        },
      ],
    )
  setLogLevel: NimbusApi['setLogLevel'] = (_, name, logger, level, forMs) =>
    this.named('setLogLevel', name, [logger, level, forMs], undefined)
  leadership: NimbusApi['leadership'] = () =>
    this.note('leadership', [], { nimbus: 'nimbus-1', address: this.address })
  cluster: NimbusApi['cluster'] = () =>
    this.note('cluster', [], {
      leader: 'nimbus-1:6627',
      standbys: ['nimbus-2:6627'],
      coordinator: 'connected',
      slots: { total: 8, used: 2 },
      topologies: 1,
      version: '0.1.0',
    })
  nodes: NimbusApi['nodes'] = () =>
    this.note(
      'nodes',
      [],
      [
        {
          node: 'node-1',
          state: 'up',
          slots: { total: 4, used: 2 },
          memory: { totalBytes: 8 * 2 ** 30, usedBytes: 3 * 2 ** 30 },
          cpu: { total: 4, used: 1.25 },
          atRisk: ['disk full in 2 h'],
        },
        {
          node: 'node-2',
          state: 'drained',
          slots: { total: 4, used: 0 },
          memory: { totalBytes: 8 * 2 ** 30, usedBytes: 2 ** 30 },
          cpu: { total: 4, used: 0 },
          atRisk: [],
        },
      ],
    )
  slots: NimbusApi['slots'] = () =>
    this.note(
      'slots',
      [],
      [
        { node: 'node-1', port: 6700, phase: 'running', topology: 'word-count', worker: 1 },
        { node: 'node-1', port: 6701, phase: 'empty', topology: undefined, worker: undefined },
      ],
    )
  history: NimbusApi['history'] = (_, node) =>
    this.note('history', [node], [{ subject: node, series: { cpu: [{ at: 1, value: 0.5 }] }, atRisk: [] }])
  drain: NimbusApi['drain'] = (_, node) => this.note('drain', [node], this.work('drain-node', node))
  undrain: NimbusApi['undrain'] = (_, node) => this.note('undrain', [node], undefined)
  events: NimbusApi['events'] = (_, after, waitMs) =>
    this.note('events', [after, waitMs], {
      events:
        after === '2'
          ? []
          : [
              {
                id: '1',
                at: startedAt,
                kind: 'topology-submitted',
                topology: 'word-count',
                node: undefined,
                message: "topology 'word-count' was submitted",
                details: {},
              },
              {
                id: '2',
                at: startedAt + 5_000,
                kind: 'worker-restarted',
                topology: 'word-count',
                node: 'node-1',
                message: 'worker 1 was killed by SIGKILL and is up again after 312 ms',
                details: { worker: 1 },
              },
            ],
      next: '2',
    })
  boardList: NimbusApi['boardList'] = (_, path) =>
    this.note('boardList', [path], ['assignments', 'topologies'])
  boardRead: NimbusApi['boardRead'] = (_, path) => this.note('boardRead', [path], { epoch: 3, token: '***' })
  blobs: NimbusApi['blobs'] = () =>
    this.note(
      'blobs',
      [],
      [...this.stored].map(([digest, { length }]) => ({ digest, sizeBytes: length })),
    )
  readBlob: NimbusApi['readBlob'] = (_, digest, offset, sizeBytes) => {
    const whole = this.stored.get(digest)
    if (whole === undefined)
      return Promise.reject(new UnavailableError('BLOB_MISSING', 'there is no such blob'))
    return this.note('readBlob', [digest, offset, sizeBytes], whole.slice(offset, offset + sizeBytes))
  }
  writeBlob: NimbusApi['writeBlob'] = (_, digest, bytes) => {
    this.stored.set(digest, bytes.slice())
    const reply: BlobRef = { digest, sizeBytes: bytes.length }
    return this.note('writeBlob', [digest, bytes.length], reply)
  }
  deleteBlob: NimbusApi['deleteBlob'] = (_, digest) => {
    this.stored.delete(digest)
    return this.note('deleteBlob', [digest], undefined)
  }
  heartbeat: NimbusApi['heartbeat'] = (_, beat) => this.note('heartbeat', [beat], { epoch: 3, logLevels: [] })
}

export const outline: TopologyOutline = {
  name: 'word-count',
  guarantee: 'at-least-once',
  workers: 2,
  messageTimeoutMs: 30_000,
  drainTimeoutMs: 30_000,
  scheduler: undefined,
  priority: 0,
  workerHeapBytes: undefined,
  workerTimeoutMs: undefined,
  nodeOptions: [],
  environment: {},
  components: [
    {
      id: 'count',
      kind: 'bolt',
      executors: 4,
      tasks: 4,
      hasOwnTasks: false,
      cpuPercent: 10,
      memoryBytes: 1,
      inputs: ['split'],
    },
  ],
  document: { name: 'word-count', config: {}, components: {} },
}
