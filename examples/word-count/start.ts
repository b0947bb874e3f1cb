import type { TopologyDef } from 'typhoon'
import { silentLogger } from '../../src/base/log.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { LocalRun } from '../../src/testing/local-run.ts'
import { buildTopology } from '../../src/topology/build.ts'

export interface Started {
  counts(): { ackedCount: number; failedCount: number; replayedCount: number }
  finished(): Promise<void>
  stop(): Promise<void>
}

export async function start(
  def: TopologyDef<unknown, { input: string }>,
  workers: number,
  input: string,
): Promise<Started> {
  const { topology } = buildTopology(def, { args: { input }, config: { workers } })
  const host = createNodeHost()
  const run = await LocalRun.start({
    name: 'demo',
    topology,
    host,
    hostOf: () => host,
    netOf: () => host.net,
    log: silentLogger,
    isDev: false,
  })
  return { counts: () => run.figures(), finished: () => run.finished(), stop: () => run.stop() }
}
