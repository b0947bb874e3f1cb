/**
 * Damage to a stream of frames. Each says what it may do at worst, which is what the oracle goes by:
 *
 *   harmless   every frame is as it was, in order: only cut differently
 *   broken     bytes were changed and no checksum was made anew: such a frame must never be taken
 *   order      whole frames are missing, repeated or out of order
 *   forged     changed and checksummed anew, as only an insider could: anything may arrive, nothing may break
 */
import type { SeededRandom } from '../../../src/base/random.ts'
import { OURS, restamped } from './corpus.ts'

export type Worst = 'harmless' | 'broken' | 'order' | 'forged'

export interface Mutation {
  readonly name: string
  readonly worst: Worst
  /** Changes the list in place. */
  readonly apply: (frames: Uint8Array[], random: SeededRandom) => void
}

function at(frames: readonly Uint8Array[], random: SeededRandom): number {
  return random.below(frames.length)
}

function replace(
  frames: Uint8Array[],
  random: SeededRandom,
  change: (frame: Uint8Array) => Uint8Array,
): void {
  const index = at(frames, random)
  const frame = frames[index]
  if (frame !== undefined) frames[index] = change(frame.slice())
}

function randomBytes(count: number, random: SeededRandom): Uint8Array {
  return Uint8Array.from({ length: count }, () => random.below(256))
}

function flip(frame: Uint8Array, random: SeededRandom, from = 0): Uint8Array {
  const position = from + random.below(Math.max(1, frame.length - from))
  frame[position] = (frame[position] ?? 0) ^ (1 << random.below(8))
  return frame
}

/** Numbers that codecs stumble over. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x3fff, 0x4000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

export const mutations: readonly Mutation[] = [
  { name: 'none', worst: 'harmless', apply: () => undefined },
  {
    name: 'flip',
    worst: 'broken',
    apply: (all, random) => replace(all, random, (each) => flip(each, random)),
  },
  {
    name: 'truncate',
    worst: 'broken',
    apply: (all, random) => replace(all, random, (each) => each.slice(0, random.below(each.length))),
  },
  {
    name: 'lengthen',
    worst: 'broken',
    apply: (all, random) =>
      replace(all, random, (each) =>
        Uint8Array.from([...each, ...randomBytes(1 + random.below(20), random)]),
      ),
  },
  {
    name: 'length of the head',
    worst: 'broken',
    apply: (all, random) =>
      replace(all, random, (each) => {
        const edge = EDGES[random.below(EDGES.length)] ?? 0
        const old = new DataView(each.buffer).getUint32(2)
        const length = random.chance(0.5) ? edge : old + random.below(5) - 2
        new DataView(each.buffer).setUint32(2, Math.max(0, length) === old ? old + 1 : Math.max(0, length))
        return each
      }),
  },
  {
    name: 'random bytes',
    worst: 'broken',
    apply: (all, random) => all.splice(at(all, random), 0, randomBytes(1 + random.below(60), random)),
  },
  {
    name: 'splice',
    worst: 'broken',
    apply: (all, random) => {
      const other = all[at(all, random)] ?? new Uint8Array(0)
      replace(all, random, (each) => {
        const cut = 1 + random.below(each.length - 1)
        return Uint8Array.from([...each.subarray(0, cut), ...other.subarray(random.below(other.length))])
      })
    },
  },
  { name: 'drop', worst: 'order', apply: (all, random) => void all.splice(at(all, random), 1) },
  {
    name: 'repeat',
    worst: 'order',
    apply: (all, random) => {
      const frame = all[at(all, random)]
      if (frame !== undefined) all.splice(random.below(all.length + 1), 0, frame)
    },
  },
  {
    name: 'swap',
    worst: 'order',
    apply: (all, random) => {
      const [left, right] = [at(all, random), at(all, random)]
      const [first, second] = [all[left], all[right]]
      if (first === undefined || second === undefined) return
      all[left] = second
      all[right] = first
    },
  },
  {
    name: 'forge the body',
    worst: 'forged',
    apply: (all, random) =>
      replace(all, random, (each) => {
        let changed = each
        for (let n = 1 + random.below(4); n > 0; n -= 1) changed = flip(changed, random, 14)
        return restamped(changed, new DataView(each.buffer).getUint32(6))
      }),
  },
  {
    name: 'forge a number in the body',
    worst: 'forged',
    apply: (all, random) =>
      replace(all, random, (each) => {
        const position = 14 + random.below(Math.max(1, each.length - 18))
        let edge = EDGES[random.below(EDGES.length)] ?? 0
        for (let i = position; i < each.length - 4; i += 1) {
          each[i] = (edge & 0x7f) | (edge > 0x7f ? 0x80 : 0)
          edge >>>= 7
          if (edge === 0) break
        }
        return restamped(each, new DataView(each.buffer).getUint32(6))
      }),
  },
  {
    name: 'forge the kind',
    worst: 'forged',
    apply: (all, random) =>
      replace(all, random, (each) => {
        each[1] = random.below(12)
        return restamped(each, new DataView(each.buffer).getUint32(6))
      }),
  },
  {
    name: 'forge numbers of the envelope',
    worst: 'forged',
    apply: (all, random) =>
      replace(all, random, (each) => {
        const sequence = random.chance(0.5) ? random.below(20) : (EDGES[random.below(EDGES.length)] ?? 0)
        return restamped(each, sequence, random.chance(0.3) ? random.below(4) : OURS)
      }),
  },
]
