// Every call of Nimbus once, with arguments that fit.

import type { NodeHeartbeat } from '../../src/rpc/heartbeat.ts'
import type { NimbusApi } from '../../src/rpc/nimbus-api.ts'
import type { ArgsOf } from '../../src/rpc/routes/route.ts'

export const digestA = 'a'.repeat(64)

const submit = {
  name: 'word-count',
  bundle: { digest: digestA, sizeBytes: 3 },
  outline: { digest: digestA, sizeBytes: 3 },
  args: { input: 'x' },
  config: {},
  isInactive: false,
  idempotencyKey: 'release-42',
}

export const beat: NodeHeartbeat = {
  node: 'node-1',
  owner: 'abc',
  sequence: 4,
  machine: {
    cpuCount: 4,
    cpuUsed: 0.5,
    memoryTotalBytes: 100,
    memoryUsedBytes: 50,
    diskFreeBytes: 10,
    diskTotalBytes: 20,
    loopDelayMs: 0.5,
    supervisorRssBytes: 5,
    failedChecks: [],
  },
  slots: [
    {
      port: 6700,
      phase: 'running',
      topologyId: 'word-count-1',
      worker: 1,
      generation: 1,
      incarnation: 16_384,
      layout: 1,
      pid: 77,
      restartCount: 0,
      why: '',
      beatAgeMs: 10,
      dumped: [{ digest: digestA, sizeBytes: 3, executor: 4 }],
      beat: {
        turns: 10,
        isQuiet: true,
        isFinished: false,
        run: 'active',
        rssBytes: 1,
        heapUsedBytes: 1,
        heapLimitBytes: 2,
        cpuMs: 3,
        loopDelayMs: 0.1,
        loopUtilisation: 0.2,
        components: [
          {
            component: 'count',
            kind: 'bolt',
            executors: 1,
            tasks: 1,
            emittedCount: 1,
            executedCount: 2,
            ackedCount: 2,
            failedCount: 0,
            deadLetterCount: 0,
            busyMs: 1,
            blockedMs: 0,
            inboxFill: 0,
            executeP50: 0.1,
            executeP99: 0.2,
            completeP50: Number.NaN,
            completeP99: Number.NaN,
            lagCount: undefined,
          },
        ],
        links: [
          {
            worker: 2,
            isSending: true,
            isReceiving: true,
            rttMs: undefined,
            queuedBytes: 0,
            reconnectCount: 0,
          },
        ],
      },
    },
  ],
  happenings: [
    { kind: 'worker-started', at: 1, topologyId: 'word-count-1', worker: 1, incarnation: 1, tookMs: 200 },
    { kind: 'dead-letter', at: 1, topologyId: 'word-count-1', letter: { __proto__: null, constructor: 'x' } },
  ],
  happeningsDropped: 0,
}

export const sampleCalls: { readonly [K in keyof NimbusApi]: ArgsOf<NimbusApi[K]> } = {
  submit: [submit],
  preview: [submit],
  topologies: [],
  topology: ['word-count'],
  outline: ['word-count'],
  activate: ['word-count'],
  deactivate: ['word-count'],
  kill: ['word-count', 30_000],
  rebalance: [
    'word-count',
    { workers: 3, executors: { count: 4 }, tasks: {}, scheduler: undefined, drainMs: undefined },
  ],
  operation: ['op-1'],
  metrics: ['word-count'],
  errors: ['word-count'],
  deadLetters: ['word-count'],
  workers: ['word-count'],
  logs: ['word-count', { after: { 'node-1:6700': '17' }, worker: 2, linesMax: 50 }],
  setLogLevel: ['word-count', 'split', 'debug', 60_000],
  cluster: [],
  nodes: [],
  slots: [],
  history: ['node-1'],
  drain: ['node-1'],
  undrain: ['node-1'],
  events: ['1', 1_000],
  boardList: ['/topologies'],
  boardRead: ['/leader/epoch'],
  blobs: [],
  readBlob: [digestA, 1, 2],
  writeBlob: [digestA, Uint8Array.of(1, 2, 3)],
  deleteBlob: [digestA],
  heartbeat: [beat],
}
