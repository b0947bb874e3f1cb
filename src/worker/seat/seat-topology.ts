/**
 * The topology that a worker is told to run: built from the module, and held against the layout that the
 * leader reckoned with.
 */
import { UserCodeError } from '../../base/errors.ts'
import { layoutDigest } from '../../cluster/layout.ts'
import type { SeatAssign } from '../../cluster/seat-messages.ts'
import type { ComponentConfig, TopologyConfig } from '../../config/topology-config.ts'
import { buildTopology, parseArgs } from '../../topology/build.ts'
import type { Json } from '../../topology/describe/document.ts'
import {
  ACKER,
  type CompiledSettings,
  type ExpandedTopology,
  expand,
  settingsOf,
} from '../../topology/expand.ts'
import type { Topology } from '../../topology/topology.ts'
import { refuseMissing } from './refuse-missing.ts'

export interface SeatTopology {
  readonly topology: Topology
  readonly settings: CompiledSettings
  readonly expanded: ExpandedTopology
}

export type Reshaped = Pick<SeatAssign, 'args' | 'config' | 'parallelism' | 'workers'>

/**
 * @param module the default export of the bundle
 * @throws UsageError any code of a build; UserCodeError what build threw
 */
export function buildSeatTopology(module: unknown, wanted: Reshaped): SeatTopology {
  const args = parseArgs(module, wanted.args ?? undefined)
  const { [ACKER]: ackers, ...components } = wanted.parallelism
  const config: TopologyConfig = {
    ...configOf(wanted.config),
    ...(wanted.workers === undefined ? {} : { workers: wanted.workers }),
    ...(ackers?.executors === undefined ? {} : { ackerExecutors: ackers.executors }),
  }
  const overlay: Readonly<Record<string, ComponentConfig>> = components
  const { topology } = buildTopology(module as never, { args: args as never, config, components: overlay })
  const settings = settingsOf(topology)
  refuseMissing(settings)
  return { topology, settings, expanded: expand(topology, settings) }
}

/** @throws UserCodeError BUILD_NOT_REPEATABLE */
export function checkLayout({ expanded }: SeatTopology, expectedDigest: string): void {
  const digest = layoutDigest(expanded)
  if (digest === expectedDigest) return
  throw new UserCodeError(
    'BUILD_NOT_REPEATABLE',
    `this worker's build gave layout ${digest}, the cluster's has ${expectedDigest}: ` +
      'the module builds differently here',
    { digest, expectedDigest },
  )
}

/** As it was checked at submit; what is not in order is refused by its compilation. */
function configOf(config: Json): TopologyConfig {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return {}
  return config as TopologyConfig
}
