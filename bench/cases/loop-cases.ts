/** The same work by hand, without an engine. */
import type { Case } from '../case.ts'
import { ackedConstNull, ackedWordCount } from '../loops/acked.ts'
import { plainWordCount } from '../loops/plain-word-count.ts'
import { yardstick } from '../loops/yardstick.ts'
import { type DrivenWorkload, drive } from '../measure.ts'
import { bookLines, SENTENCES } from '../text.ts'

function loopCase(name: string, what: string, make: () => DrivenWorkload): Case {
  return { name, what, run: async (plan) => drive(make(), plan) }
}

export const loopCases: readonly Case[] = [
  loopCase('loop/word-count', 'five sentences: split, hash, two maps', () => plainWordCount(SENTENCES)),
  loopCase('loop/word-count-text', 'the same over the book', () => plainWordCount(bookLines())),
  loopCase('loop/word-count-acked', 'five sentences with rings, buffered emits and XOR acks', () =>
    ackedWordCount(SENTENCES),
  ),
  loopCase('loop/word-count-text-acked', 'the same over the book', () => ackedWordCount(bookLines())),
  loopCase('loop/const-null', 'a call per tuple and XOR acks', ackedConstNull),
  loopCase('loop/yardstick', 'how fast this machine is: the loop that was measured beside Storm', yardstick),
]
