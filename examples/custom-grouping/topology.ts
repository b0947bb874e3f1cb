/**
 * Choosing tasks yourself, and what becomes of keys when a task is added.
 *
 *   orders ─custom(vip lane)──────▶ serve ×4 ─┐
 *     ├────fields(tenant)─────────▶ fields-4 and fields-5 ─┤
 *     ╰────consistentHash(tenant)─▶ ring-4 and ring-5 ─────┴─▶ seating
 *
 * Each bolt says which of its tasks a key came to; `seating` compares. With a fields grouping most keys
 * change their task when a fifth is added, with consistent hashing about one in five: good for caches.
 *
 * Shows: customGrouping, consistentHashGrouping, fieldsGrouping, one definition placed several times.
 */
import { bolt, type CustomGrouping, defineTopology, fields, plainSink, spoutFrom } from 'typhoon'

const Order = fields({ id: 'int', tenant: 'string', isVip: 'boolean' })
const Seat = fields({ bolt: 'string', key: 'string', taskIndex: 'int' })

export const tenantsCount = 1_000
const ordersCount = 5_000

export function* orderRows() {
  for (let id = 1; id <= ordersCount; id += 1) {
    yield { id, tenant: `tenant-${id % tenantsCount}`, isVip: id % 50 === 0 }
  }
}

const orders = spoutFrom(Order, orderRows)

/** The first task is kept free for orders of important customers; the others take turns. */
export const vipLane: CustomGrouping<{ isVip: boolean }> = (targets) => {
  const [first, ...others] = targets
  if (first === undefined || others.length === 0) return () => targets
  let turn = 0
  return (order) => {
    turn += 1
    return order.isVip ? first : (others[turn % others.length] ?? first)
  }
}

const seatOf = (keyOf: (order: { tenant: string; isVip: boolean }) => string) =>
  bolt({
    input: Order,
    output: Seat,
    prepare: ({ component, taskIndex }) => ({ component, taskIndex }),
    execute(tuple, out, { component, taskIndex }) {
      out.emit({ bolt: component, key: keyOf(tuple.values), taskIndex })
    },
  })

const byTenant = seatOf((order) => order.tenant)
const byRank = seatOf((order) => (order.isVip ? 'vip' : 'other'))

/** Which tasks of each bolt a key came to. */
export class Seating {
  private readonly seats = new Map<string, Map<string, Set<number>>>()

  note(boltId: string, key: string, taskIndex: number): void {
    const keys = this.seats.get(boltId) ?? new Map<string, Set<number>>()
    const tasks = keys.get(key) ?? new Set<number>()
    this.seats.set(boltId, keys.set(key, tasks.add(taskIndex)))
  }

  tasksOf(boltId: string, key: string): number[] {
    return [...(this.seats.get(boltId)?.get(key) ?? [])].sort()
  }

  /** Keys that sit elsewhere in the second bolt than in the first. */
  movedCount(before: string, after: string): number {
    const keys = [...(this.seats.get(before)?.keys() ?? [])]
    return keys.filter((key) => `${this.tasksOf(before, key)}` !== `${this.tasksOf(after, key)}`).length
  }
}

export function customGrouping(seating: Seating, onEnd: (seating: Seating) => void = () => undefined) {
  const seatingSink = plainSink({
    input: Seat,
    write(items) {
      for (const { bolt: boltId, key, taskIndex } of items) seating.note(boltId, key, taskIndex)
    },
    close: () => onEnd(seating),
  })
  return defineTopology({
    name: 'custom-grouping',
    build(builder) {
      const source = builder.setSpout('orders', orders)
      const served = builder.setBolt('serve', byRank, 4).customGrouping(source, vipLane)
      const fields4 = builder.setBolt('fields-4', byTenant, 4).fieldsGrouping(source, 'tenant')
      const fields5 = builder.setBolt('fields-5', byTenant, 5).fieldsGrouping(source, 'tenant')
      const ring4 = builder.setBolt('ring-4', byTenant, 4).consistentHashGrouping(source, 'tenant')
      const ring5 = builder.setBolt('ring-5', byTenant, 5).consistentHashGrouping(source, 'tenant')
      const seats = builder.setBolt('seating', seatingSink)
      for (const stream of [served, fields4, fields5, ring4, ring5]) seats.globalGrouping(stream)
      return { source, served }
    },
  })
}

function printSeating(seating: Seating): void {
  const share = (moved: number) => `${moved} of ${tenantsCount} keys`
  console.log(`vip orders were served by task ${seating.tasksOf('serve', 'vip')}`)
  console.log(`all others by tasks ${seating.tasksOf('serve', 'other')}`)
  console.log('a fifth task is added:')
  console.log(`  fields grouping moves    ${share(seating.movedCount('fields-4', 'fields-5'))}`)
  console.log(`  consistent hash moves    ${share(seating.movedCount('ring-4', 'ring-5'))}`)
}

export default customGrouping(new Seating(), printSeating)
