/**
 * The client of a cluster in this process: `typhoon/client`'s own, in step with the cluster's time, and with
 * topologies that can be looked into.
 */

import type { Client, SubmitOptions, SubmitPreview } from '../../rpc/client/client.ts'
import type { ClusterClient } from '../../rpc/client/cluster-client.ts'
import type {
  ClusterEvent,
  ClusterStatus,
  NodeStatus,
  RunningTopology,
  TopologySummary,
  WaitOptions,
} from '../../rpc/contract.ts'
import type { Pace } from '../virtual-stage.ts'

/** How a topology came here. */
export interface Submitted {
  readonly file: string | URL
  readonly options: SubmitOptions
}

export interface LocalClientSpec {
  readonly inner: ClusterClient
  readonly pace: Pace
  /** Whatever a submit of the file needs that takes no part in the cluster's time. */
  readonly prepare: (file: string | URL) => Promise<void>
  readonly runOf: (running: RunningTopology, submitted?: Submitted) => RunningTopology
}

export class LocalClient implements Client {
  private readonly spec: LocalClientSpec

  constructor(spec: LocalClientSpec) {
    this.spec = spec
  }

  async submit(file: string | URL, options: SubmitOptions = {}): Promise<RunningTopology> {
    const { inner, prepare, runOf } = this.spec
    await prepare(file)
    return runOf(await this.drive(inner.submit(file, options)), { file, options })
  }

  async preview(file: string | URL, options?: SubmitOptions): Promise<SubmitPreview> {
    const { inner, prepare } = this.spec
    await prepare(file)
    return await this.drive(inner.preview(file, options))
  }

  list(): Promise<readonly TopologySummary[]> {
    return this.drive(this.spec.inner.list())
  }

  async topology(name: string): Promise<RunningTopology> {
    return this.spec.runOf(await this.drive(this.spec.inner.topology(name)))
  }

  cluster(): Promise<ClusterStatus> {
    return this.drive(this.spec.inner.cluster())
  }

  nodes(): Promise<readonly NodeStatus[]> {
    return this.drive(this.spec.inner.nodes())
  }

  drain(node: string, options?: WaitOptions): Promise<void> {
    return this.drive(this.spec.inner.drain(node, options))
  }

  undrain(node: string): Promise<void> {
    return this.drive(this.spec.inner.undrain(node))
  }

  /** Only looks: in virtual time whoever waits for something else makes events happen. */
  events(options?: { readonly after?: string; readonly signal?: AbortSignal }): AsyncIterable<ClusterEvent> {
    return this.spec.inner.events(options)
  }

  close(): Promise<void> {
    return this.spec.inner.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private drive<T>(work: Promise<T>): Promise<T> {
    return this.spec.pace.drive(work)
  }
}
