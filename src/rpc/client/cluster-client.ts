/** A cluster, for a program: every call asks Nimbus; nothing is kept here but where it is. */
import { UsageError } from '../../base/errors.ts'
import { hide } from '../../base/hide.ts'
import type { Host } from '../../host/host.ts'
import type {
  ClusterEvent,
  ClusterStatus,
  NodeStatus,
  RunningTopology,
  TopologySummary,
  WaitOptions,
} from '../contract.ts'
import { WAIT_MS_MAX } from '../limits.ts'
import type { PreviewReply } from '../nimbus-api.ts'
import type { NimbusClient } from '../nimbus-client.ts'
import type { Client, Finding, SubmitOptions, SubmitPreview } from './client.ts'
import { ClusterTopology } from './cluster-topology.ts'
import { makeSubmission, preview, type SubmitMachine, submit, upload } from './submission.ts'
import { waitForWork } from './waiting.ts'

export interface ClusterClientSpec {
  readonly nimbus: NimbusClient
  readonly host: Host
  readonly machine: SubmitMachine
  readonly isProduction: boolean
  /** `file:` URLs into paths. */
  readonly pathOf: (file: string | URL) => string
}

export class ClusterClient implements Client {
  private readonly spec: ClusterClientSpec
  private isClosed = false

  constructor(spec: ClusterClientSpec) {
    this.spec = spec
    hide(this, 'spec', 'isClosed')
  }

  async submit(file: string | URL, options: SubmitOptions = {}): Promise<RunningTopology> {
    const nimbus = this.nimbus()
    const submission = await this.made(file, options)
    await upload(nimbus, submission, () => undefined)
    const { id, name } = await submit(nimbus, this.spec.host, submission)
    return this.running(name, id)
  }

  async preview(file: string | URL, options: SubmitOptions = {}): Promise<SubmitPreview> {
    const nimbus = this.nimbus()
    const submission = await this.made(file, options)
    await upload(nimbus, submission, () => undefined)
    const reply = await preview(nimbus, submission)
    const { request, outline } = submission
    return {
      name: request.name,
      guarantee: outline.guarantee,
      bundle: { bytes: request.bundle.sizeBytes, digest: request.bundle.digest },
      findings: reply.findings.map(findingOf),
      changes: reply.changes,
      slots: reply.slots,
    }
  }

  async list(): Promise<readonly TopologySummary[]> {
    return await this.nimbus().call('topologies', [])
  }

  async topology(name: string): Promise<RunningTopology> {
    const { id } = await this.nimbus().call('topology', [name])
    return this.running(name, id)
  }

  async cluster(): Promise<ClusterStatus> {
    return await this.nimbus().call('cluster', [])
  }

  async nodes(): Promise<readonly NodeStatus[]> {
    return await this.nimbus().call('nodes', [])
  }

  async drain(node: string, options: WaitOptions = {}): Promise<void> {
    const nimbus = this.nimbus()
    await waitForWork(nimbus, this.spec.host, await nimbus.call('drain', [node]), options)
  }

  async undrain(node: string): Promise<void> {
    await this.nimbus().call('undrain', [node])
  }

  async *events(
    options: { readonly after?: string; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<ClusterEvent> {
    const { signal } = options
    const nimbus = this.nimbus()
    try {
      let after = options.after ?? (await nimbus.call('events', [undefined, 0], { signal })).next
      while (signal?.aborted !== true) {
        const page = await nimbus.call('events', [after, WAIT_MS_MAX], {
          signal,
          timeoutMs: 3 * WAIT_MS_MAX,
        })
        yield* page.events
        after = page.next
      }
    } catch (error) {
      // Aborting is how the reader ends it.
      if (signal?.aborted !== true) throw error
    }
  }

  async close(): Promise<void> {
    this.isClosed = true
    await Promise.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private async made(file: string | URL, options: SubmitOptions) {
    return await makeSubmission(this.spec.host, this.spec.machine, this.spec.pathOf(file), options)
  }

  private running(name: string, id: string): RunningTopology {
    const { host, isProduction } = this.spec
    return new ClusterTopology({ nimbus: this.nimbus(), host, name, id, isProduction })
  }

  private nimbus(): NimbusClient {
    if (!this.isClosed) return this.spec.nimbus
    throw new UsageError('REQUEST_INVALID', 'the client is closed')
  }
}

/** Findings of a look at a module name component and place in their message. */
function findingOf({ severity, code, message }: PreviewReply['findings'][number]): Finding {
  const place = / \(((?:\/|[A-Za-z]:\\)[^()]+:\d+:\d+)\)$/.exec(message)?.[1]
  // A code of a later version is a name all the same.
  return { severity, code: code as Finding['code'], message, component: undefined, where: place }
}
