// Runs scripts on the ensemble in memory and on another coordinator, and compares what was seen.
import type { Coordinator } from '../../src/coordinate/coordinator.ts'
import { MemoryEnsemble } from '../../src/coordinate/memory/memory-ensemble.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { play, type Stage } from './differential.ts'
import { makeScript, type ScriptStep } from './differential-script.ts'

export interface DifferentialSpec {
  readonly firstSeed: number
  readonly scriptCount: number
  /** Scripts under way at once. */
  readonly parallelCount: number
  /** A stage for a script: nobody else uses its root. */
  readonly otherStage: (seed: number) => Promise<Stage>
}

export interface Difference {
  readonly seed: number
  /** The first line that differs, from both. */
  readonly memory: string
  readonly other: string
  /** What led there. */
  readonly before: readonly string[]
}

export const user = { user: 'tester', password: 'secret' }

/** The first differences, ten at most. */
export async function differences(spec: DifferentialSpec): Promise<readonly Difference[]> {
  const found: Difference[] = []
  let next = spec.firstSeed
  const end = spec.firstSeed + spec.scriptCount
  const runner = async () => {
    while (next < end && found.length < 10) {
      const seed = next
      next += 1
      const script = makeScript(seed)
      let difference = await compare(seed, script, spec)
      // A real server sweeps empty containers once a minute: that may have been in the midst of this script.
      if (difference !== undefined && hasContainer(script)) difference = await compare(seed, script, spec)
      if (difference !== undefined) found.push(difference)
    }
  }
  await Promise.all(Array.from({ length: spec.parallelCount }, runner))
  return found
}

async function compare(
  seed: number,
  script: readonly ScriptStep[],
  spec: DifferentialSpec,
): Promise<Difference | undefined> {
  const [memory, other] = await Promise.all([
    playInMemory(script, seed),
    spec.otherStage(seed).then((stage) => play(script, stage)),
  ])
  const count = Math.max(memory.length, other.length)
  for (let i = 0; i < count; i += 1) {
    if (memory[i] === other[i]) continue
    return { seed, memory: memory[i] ?? 'nothing', other: other[i] ?? 'nothing', before: memory.slice(0, i) }
  }
  return undefined
}

async function playInMemory(script: readonly ScriptStep[], seed: number): Promise<readonly string[]> {
  const host = createNodeHost()
  const isFollowed = seed % 2 === 0
  const ensemble = new MemoryEnsemble({
    host,
    sweepMs: 3_600_000,
    ...(isFollowed ? { serverCount: 3, faults: { staleShare: 0.5, lagMsMax: 5 } } : {}),
  })
  try {
    return await play(script, {
      connect: async (isUser): Promise<Coordinator> => {
        const spec = { host, name: 'script', sessionTimeoutMs: 30_000, chroot: '/root' }
        const coordinator = ensemble.connect(isUser ? { ...spec, auth: user } : spec)
        await coordinator.connected(10_000)
        return coordinator
      },
    })
  } finally {
    ensemble.stop()
  }
}

function hasContainer(script: readonly ScriptStep[]): boolean {
  return JSON.stringify(script).includes('"container"')
}
