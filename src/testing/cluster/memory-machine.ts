/**
 * What a submit does on the machine of its user, for a cluster in this process: modules are imported instead
 * of bundled, and looked at here instead of in a process of their own.
 */
import { assertDefined } from '../../base/assert.ts'
import { UsageError } from '../../base/errors.ts'
import type { TopologyConfig } from '../../config/topology-config.ts'
import type { Host } from '../../host/host.ts'
import type { InspectSpec, SubmitMachine } from '../../rpc/client/submission.ts'
import { buildTopology, parseArgs } from '../../topology/build.ts'
import { outlineOf, type TopologyOutline } from '../../topology/describe/outline.ts'
import type { Topology } from '../../topology/topology.ts'
import { recipeOf, type TopologyDef } from '../../topology/topology-def.ts'
import type { SimBundles } from './sim-bundles.ts'

type AnyTopology = TopologyDef<unknown, unknown>

export interface MemoryMachineSpec {
  readonly bundles: SimBundles
  /** The client's own: bundles are looked at on its disk. */
  readonly host: Host
  readonly importModule: (path: string) => Promise<Readonly<Record<string, unknown>>>
}

export class MemoryMachine implements SubmitMachine {
  private readonly spec: MemoryMachineSpec
  private readonly known = new Map<string, AnyTopology>()
  private readonly outlined = new Map<string, Topology>()
  private count = 0

  constructor(spec: MemoryMachineSpec) {
    this.spec = spec
  }

  /** A topology of this process, under a path that no file has. */
  add(def: AnyTopology): string {
    this.count += 1
    const path = `topology-${this.count}`
    this.known.set(path, def)
    return path
  }

  has(path: string): boolean {
    return this.known.has(path)
  }

  /** As Nimbus and workers build it. @throws any E1, E2 */
  build(path: string, args: unknown, config: TopologyConfig | undefined): Topology {
    return built(this.loaded(path), args, config)
  }

  /** Imports a file, once. @throws UsageError NO_DEFAULT_EXPORT; whatever the module throws */
  async load(path: string): Promise<AnyTopology> {
    const found = this.known.get(path)
    if (found !== undefined) return found
    const { default: def } = await this.spec.importModule(path)
    if (!isTopology(def)) {
      throw new UsageError('NO_DEFAULT_EXPORT', `${path} has no topology as its default export`, {
        file: path,
      })
    }
    this.known.set(path, def)
    return def
  }

  bundle(path: string): Promise<Uint8Array> {
    return Promise.resolve(this.spec.bundles.add(path, this.loaded(path)))
  }

  async inspect({ bundlePath, args, config, name }: InspectSpec): Promise<TopologyOutline> {
    const { bundles, host } = this.spec
    const def = await bundles.loaderOn(host)(bundlePath)
    // As it was given: the build checks it.
    const topology = built(def, args ?? undefined, config as TopologyConfig)
    this.outlined.set(name, topology)
    if (topology.name !== undefined) this.outlined.set(topology.name, topology)
    return outlineOf(name, topology)
  }

  /**
   * What was last on its way to a cluster under a name: its submit may have succeeded although nobody heard
   * of it.
   */
  lastNamed(name: string): Topology | undefined {
    return this.outlined.get(name)
  }

  private loaded(path: string): AnyTopology {
    return assertDefined(this.known.get(path), 'it is loaded before it is submitted')
  }
}

function built(def: AnyTopology, args: unknown, config: TopologyConfig | undefined): Topology {
  return buildTopology(def, { args: parseArgs(def, args), config }).topology
}

function isTopology(value: unknown): value is AnyTopology {
  return recipeOf(value) !== undefined
}
