/**
 * Anti-affinity of one topology in numbers: components by index, both directions written out.
 *
 * Names of components that are not in the topology say nothing here: a rule may outlive what it was about.
 */
import type { PlacementRules } from '../request.ts'

export interface CompiledRules {
  readonly isEmpty: boolean
  /** By component: components that must not be on the same node. */
  readonly apartNodes: readonly (readonly number[])[]
  readonly apartWorkers: readonly (readonly number[])[]
  /** By component; Infinity: as many as there are. */
  readonly nodeMax: readonly number[]
}

/** `components` by index. */
export function compileRules(rules: PlacementRules, components: readonly string[]): CompiledRules {
  const apartNodes = pairs(rules.apartNodes, components)
  const apartWorkers = pairs(rules.apartWorkers, components)
  const nodeMax = components.map((name) => own(rules.nodeMax, name) ?? Number.POSITIVE_INFINITY)
  const isEmpty =
    apartNodes.every((list) => list.length === 0) &&
    apartWorkers.every((list) => list.length === 0) &&
    nodeMax.every((most) => most === Number.POSITIVE_INFINITY)
  return { isEmpty, apartNodes, apartWorkers, nodeMax }
}

/**
 * A colour for each component that is kept apart from another, from 0 on, so that none has the colour of one
 * it is kept apart from; -1 for the others. Greedy, the most restricted first: not the fewest colours there
 * could be, but few on graphs as small as these.
 */
export function colourComponents({ apartNodes, apartWorkers }: CompiledRules): readonly number[] {
  const foes = apartNodes.map((list, index) => [...list, ...(apartWorkers[index] ?? [])])
  const colours = foes.map(() => -1)
  const order = foes.map((_, index) => index).filter((index) => (foes[index] ?? []).length > 0)
  order.sort((a, b) => (foes[b] ?? []).length - (foes[a] ?? []).length || a - b)
  for (const index of order) {
    const taken = new Set((foes[index] ?? []).map((foe) => colours[foe]))
    let colour = 0
    while (taken.has(colour)) colour += 1
    colours[index] = colour
  }
  return colours
}

function pairs(
  given: Readonly<Record<string, readonly string[]>>,
  components: readonly string[],
): readonly (readonly number[])[] {
  const index = new Map(components.map((name, at) => [name, at]))
  const found = components.map(() => new Set<number>())
  for (const [name, others] of Object.entries(given)) {
    const one = index.get(name)
    if (one === undefined) continue
    for (const other of others) {
      const two = index.get(other)
      if (two === undefined || two === one) continue
      found[one]?.add(two)
      found[two]?.add(one)
    }
  }
  return found.map((set) => [...set].sort((a, b) => a - b))
}

/** Names come from users: `constructor` is one like any other. */
function own(map: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined
}
