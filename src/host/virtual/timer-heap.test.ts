// Method: a random script of setting, stopping and taking, against a sorted list.
import { expect, test } from 'vitest'
import { SeededRandom } from '../../base/random.ts'
import { TimerHeap, VirtualTimer } from './timer-heap.ts'

const timerAt = (dueMs: number) => new VirtualTimer(dueMs, undefined, () => undefined)

test('timers come in the order in which they are due, ties in the order in which they were set', () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const random = new SeededRandom(seed)
    const heap = new TimerHeap<number>()
    let waiting: { readonly timer: VirtualTimer; readonly owner: number }[] = []
    for (let step = 0; step < 1_000; step += 1) {
      const draw = random.next()
      if (draw < 0.6) {
        const timer = timerAt(random.below(50))
        heap.push(timer, step)
        waiting.push({ timer, owner: step })
      } else if (draw < 0.8) {
        waiting[random.below(waiting.length)]?.timer.stop()
      } else {
        const nowMs = random.below(60)
        waiting = waiting.filter(({ timer }) => !timer.isStopped)
        waiting.sort((a, b) => a.timer.dueMs - b.timer.dueMs || a.owner - b.owner)
        const wanted = waiting[0]?.timer.dueMs ?? 99
        const isDue = wanted <= nowMs
        expect(heap.nextDueMs() ?? 99).toBe(wanted)
        expect(heap.popDue(nowMs)?.owner).toBe(isDue ? waiting[0]?.owner : undefined)
        if (isDue) waiting.shift()
      }
    }
  }
})

test('timers that are set and stopped again and again take no space, and disturb no order', () => {
  const heap = new TimerHeap<number>()
  for (let i = 0; i < 10; i += 1) heap.push(timerAt(1_000 - i), i)
  for (let i = 0; i < 100_000; i += 1) {
    const timer = timerAt(i % 977)
    heap.push(timer, -1)
    timer.stop()
  }
  expect(heap.count).toBeLessThan(3_000)
  const owners = Array.from({ length: 10 }, () => heap.popDue(2_000)?.owner)
  expect(owners).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
  expect(heap.popDue(2_000)).toBeUndefined()
})
