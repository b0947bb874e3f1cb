/**
 * What happens to a simulated cluster while it works: faults, and calls of operators. All drawn before the
 * run, so that a seed can be run again; struck by the world's own timers.
 */
import { isStreamError } from '../../../src/base/errors.ts'
import type { SeededRandom } from '../../../src/base/random.ts'
import type { SimCluster } from '../../../src/testing/cluster/sim-cluster.ts'
import type { ClusterModel } from './model.ts'

export interface ClusterFault {
  readonly name: string
  readonly atMs: number
  strike(): void
}

export interface FaultBench {
  readonly cluster: SimCluster
  readonly model: ClusterModel
  readonly random: SeededRandom
  readonly see: (what: string) => void
  readonly violate: (text: string) => void
}

/** Each kind is off in about half of the seeds; an eighth has none at all; a tenth strikes in bursts. */
export function drawClusterFaults(bench: FaultBench): readonly ClusterFault[] {
  const { random, model } = bench
  if (random.chance(0.125)) return []
  const isBurst = random.chance(0.1)
  const faults: ClusterFault[] = []
  for (const [name, make] of kinds(bench)) {
    if (random.chance(0.5)) continue
    const count = isBurst ? 3 + random.below(4) : 1 + random.below(2)
    for (let n = 0; n < count; n += 1) {
      const atMs = isBurst ? random.next() * 5_000 + model.faultsMs / 3 : random.next() * model.faultsMs
      faults.push({ name, atMs: atMs + 2_000, strike: make() })
    }
  }
  return faults.sort((a, b) => a.atMs - b.atMs)
}

/**
 * Name → something that makes a stroke. Whom it hits is drawn when it is made, what is alive is seen when it
 * strikes.
 */
function kinds(bench: FaultBench): readonly (readonly [string, () => () => void])[] {
  const { random, model } = bench
  const kinds: (readonly [string, () => () => void])[] = [
    ...processFaults(bench),
    ...machineFaults(bench),
    ...ensembleFaults(bench),
    ...operatorCalls(bench),
  ]
  return model.nimbuses > 1 || random.chance(0.5) ? [...kinds, ...nimbusFaults(bench)] : kinds
}

function processFaults({ cluster, model, random, see }: FaultBench) {
  const { timers } = cluster.world
  const seated = () => cluster.processes.living.filter(({ assign }) => assign !== undefined)
  return [
    [
      'kill-worker',
      () => {
        const which = random.next()
        return () => {
          const all = seated()
          const victim = all[Math.floor(which * all.length)]
          if (victim === undefined) return
          see('kill-worker')
          cluster.processes.kill(victim)
        }
      },
    ],
    [
      'pause-worker',
      () => {
        const [which, forMs] = [random.next(), random.next() * 15_000]
        return () => {
          const all = seated()
          const victim = all[Math.floor(which * all.length)]
          if (victim === undefined) return
          see('pause-worker')
          cluster.world.pause(victim.name)
          timers.after(forMs, () => cluster.world.resume(victim.name))
        }
      },
    ],
    [
      'crash-supervisor',
      () => {
        const [node, forMs] = [nodeOf(model, random), random.next() * 15_000]
        return () => {
          see('crash-supervisor')
          cluster.crashSupervisor(node)
          timers.after(forMs, () => cluster.startSupervisor(node))
        }
      },
    ],
    [
      'pause-supervisor',
      () => {
        const [node, forMs] = [nodeOf(model, random), random.next() * 15_000]
        return () => {
          see('pause-supervisor')
          cluster.pauseSupervisor(node)
          timers.after(forMs, () => cluster.resumeSupervisor(node))
        }
      },
    ],
  ] as const
}

function machineFaults({ cluster, model, random, see }: FaultBench) {
  const { timers, net } = cluster.world
  return [
    [
      'crash-node',
      () => {
        const [node, forMs] = [nodeOf(model, random), 1_000 + random.next() * 20_000]
        return () => {
          see('crash-node')
          cluster.crashNode(node)
          timers.after(forMs, () => cluster.startSupervisor(node))
        }
      },
    ],
    [
      'isolate-node',
      () => {
        const [node, forMs] = [nodeOf(model, random), random.next() * 20_000]
        return () => {
          see('isolate-node')
          cluster.isolate(node)
          timers.after(forMs, () => cluster.heal(node))
        }
      },
    ],
    [
      'cut-pair',
      () => {
        const [one, other, forMs] = [nodeOf(model, random), nodeOf(model, random), random.next() * 15_000]
        const isOneWay = random.chance(0.5)
        return () => {
          if (one === other) return
          see(isOneWay ? 'cut-one-way' : 'cut-pair')
          if (isOneWay) net.set(one, other, { isCut: true })
          else net.cut(one, other)
          timers.after(forMs, () => net.heal(one, other))
        }
      },
    ],
    [
      'reset-links',
      () => {
        const [one, other] = [nodeOf(model, random), nodeOf(model, random)]
        return () => {
          see('reset-links')
          net.reset(one, other)
        }
      },
    ],
    [
      'slow-net',
      () => {
        const [delayMs, forMs] = [random.next() * 100, random.next() * 5_000]
        return () => {
          see('slow-net')
          net.setAll({ delayMs })
          timers.after(forMs, () => net.setAll({ delayMs: 0 }))
        }
      },
    ],
  ] as const
}

function nimbusFaults({ cluster, model, random, see }: FaultBench) {
  const { timers } = cluster.world
  const nimbus = () => `nimbus${1 + random.below(model.nimbuses)}`
  return [
    [
      'crash-nimbus',
      () => {
        const [name, forMs] = [nimbus(), random.next() * 15_000]
        return () => {
          see(cluster.leaderName === name ? 'crash-leader' : 'crash-standby')
          cluster.crashNimbus(name)
          timers.after(forMs, () => cluster.startNimbus(name))
        }
      },
    ],
    [
      'pause-nimbus',
      () => {
        const [name, forMs] = [nimbus(), random.next() * 15_000]
        return () => {
          see('pause-nimbus')
          cluster.world.pause(name)
          timers.after(forMs, () => cluster.world.resume(name))
        }
      },
    ],
    [
      'pause-leader',
      () => {
        const [forMs, name] = [3_200 + random.next() * 2_600, model.topologies[0]?.name ?? '']
        return () => {
          const leader = cluster.leaderName
          if (leader === undefined) return
          see('pause-leader')
          cluster.world.pause(leader)
          timers.after(forMs, () => cluster.world.resume(leader))
          // Asked while it stands still: it answers in its first moment afterwards, when another may lead.
          const direct = cluster.newClient([leader])
          timers.after(forMs - 200, () => {
            direct.call('deactivate', [name], { timeoutMs: 10_000 }).catch(ignoreRefusal)
          })
          timers.after(forMs + 4_000, () => cluster.client.call('activate', [name]).catch(ignoreRefusal))
        }
      },
    ],
    [
      'isolate-nimbus',
      () => {
        const [name, forMs] = [nimbus(), random.next() * 15_000]
        return () => {
          see('isolate-nimbus')
          cluster.isolate(name)
          timers.after(forMs, () => cluster.heal(name))
        }
      },
    ],
  ] as const
}

function ensembleFaults({ cluster, model, random, see }: FaultBench) {
  const { ensemble, world } = cluster
  const machine = () =>
    random.chance(0.5) ? nodeOf(model, random) : `nimbus${1 + random.below(model.nimbuses)}`
  return [
    [
      'lose-quorum',
      () => {
        const forMs = random.next() * 20_000
        return () => {
          see('lose-quorum')
          ensemble.loseQuorum()
          world.timers.after(forMs, () => ensemble.regainQuorum())
        }
      },
    ],
    [
      'zk-leader',
      () => () => {
        see('zk-leader')
        ensemble.changeLeader()
      },
    ],
    [
      'expire-session',
      () => {
        const name = machine()
        return () => {
          see('expire-session')
          ensemble.expire(name)
        }
      },
    ],
    [
      'cut-zk',
      () => {
        const [name, forMs] = [machine(), random.next() * 12_000]
        return () => {
          see('cut-zk')
          ensemble.cut(name, 'silent')
          world.timers.after(forMs, () => ensemble.heal(name))
        }
      },
    ],
  ] as const
}

/** Calls of people. That they are refused or fail is no violation; that they lie is. */
function operatorCalls({ cluster, model, random, see, violate }: FaultBench) {
  const topology = () => model.topologies[random.below(model.topologies.length)]?.name ?? ''
  const call = (name: string, work: () => Promise<unknown>) => {
    see(name)
    work().catch((error: unknown) => {
      if (!isStreamError(error)) violate(`${name}: ${String(error)}`)
    })
  }
  const rebalance = (executors: Readonly<Record<string, number>>, workers: number | undefined) => {
    const name = topology()
    const request = { workers, executors, tasks: {}, scheduler: undefined, drainMs: 3_000 }
    return () => call('rebalance', () => cluster.client.call('rebalance', [name, request]))
  }
  return [
    ['rebalance-workers', () => rebalance({}, 1 + random.below(model.workersMax))],
    [
      'rebalance-executors',
      () => rebalance({ sum: 1 + random.below(4), relay: 1 + random.below(3) }, undefined),
    ],
    [
      'deactivate',
      () => {
        const [name, forMs] = [topology(), random.next() * 5_000]
        return () => {
          call('deactivate', () => cluster.client.call('deactivate', [name]))
          cluster.world.timers.after(forMs, () => {
            call('activate', () => cluster.client.call('activate', [name]))
          })
        }
      },
    ],
    [
      'drain-node',
      () => {
        const [node, forMs] = [nodeOf(model, random), random.next() * 10_000]
        return () => {
          call('drain-node', () => cluster.client.call('drain', [node]))
          cluster.world.timers.after(forMs, () => {
            call('undrain-node', () => cluster.client.call('undrain', [node]))
          })
        }
      },
    ],
  ] as const
}

function ignoreRefusal(error: unknown): void {
  if (!isStreamError(error)) throw error
}

function nodeOf(model: ClusterModel, random: SeededRandom): string {
  return `n${1 + random.below(model.nodes)}`
}
