/**
 * A whole cluster on this machine: one Nimbus, some supervisors, in this process; workers are processes
 * of their own. On the ZooKeeper that is configured, else on an ensemble in memory, which forgets all
 * when it ends: blobs that an earlier one left are of nobody then, and removed before anything starts.
 */
import { clearLeftOver, lockForMemory, markBlobs } from './forgotten-files.ts'
import type { Daemon, DaemonSpec } from './nimbus-daemon.ts'
import { startNimbus } from './nimbus-daemon.ts'
import { startSupervisor } from './supervisor-daemon.ts'

export interface DevClusterSpec extends DaemonSpec {
  readonly supervisorCount: number
  /** Slots of each. */
  readonly slotCount: number
  readonly environment: Readonly<Record<string, string | undefined>>
}

const PORTS_FROM = 6_700

/** @throws what starting a Nimbus and a supervisor throws */
export async function startDevCluster(spec: DevClusterSpec): Promise<Daemon> {
  const { host, config, supervisorCount, slotCount, log } = spec
  const started: Daemon[] = []
  const lock = spec.isBoardInMemory === true ? await lockForMemory(spec) : undefined
  const stop = async () => {
    for (const daemon of started.splice(0).reverse()) await daemon.stop()
    await lock?.release()
  }
  try {
    const areAllInMemory = lock !== undefined && (await clearLeftOver(spec))
    const nimbus = await startNimbus({ ...spec, log: log.with({ daemon: 'nimbus' }) })
    started.push(nimbus)
    if (areAllInMemory) await markBlobs(spec)
    const [firstPort = PORTS_FROM] = config['supervisor.slots.ports'] ?? []
    for (let index = 0; index < supervisorCount; index += 1) {
      const ports = Array.from({ length: slotCount }, (_, slot) => firstPort + index * slotCount + slot)
      const node = `node-${index + 1}`
      const supervisor = await startSupervisor({
        ...spec,
        node,
        config: { ...config, 'supervisor.slots.ports': ports, 'nimbus.seeds': [nimbus.address] },
        directory: host.files.resolve(spec.directory, node),
        httpAddress: `${config['bind.address'] ?? '127.0.0.1'}:0`,
        stopsWorkers: true,
        log: log.with({ daemon: 'supervisor' }),
      })
      started.push(supervisor)
    }
    return { address: nimbus.address, taken: Promise.race(started.map(({ taken }) => taken)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}
