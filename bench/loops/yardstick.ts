/**
 * How fast this machine is just now: the very loop that was measured beside Storm (28.8 M words a second),
 * word for word. Machines differ, and virtual ones differ from hour to hour; where Storm was measured at
 * another time, this says by how much figures per second are off.
 */
import type { DrivenWorkload } from '../measure.ts'
import { SENTENCES } from '../text.ts'

/** Words a second of this loop on the machine of bench/results/storm-2.8.4.txt, when its lines were taken. */
export const STORM_MACHINE_WORDS = 28.8e6

export function yardstick(): DrivenWorkload {
  const counts = new Map<string, number>()
  let words = 0
  let sent = 0

  const split = (sentence: string): readonly string[] => {
    const found: string[] = []
    let from = 0
    for (let to = sentence.indexOf(' '); to >= 0; to = sentence.indexOf(' ', from)) {
      found.push(sentence.slice(from, to))
      from = to + 1
    }
    found.push(sentence.slice(from))
    return found
  }
  const count = (word: string): readonly [string, number] => {
    const now = (counts.get(word) ?? 0) + 1
    counts.set(word, now)
    words += 1
    return [word, now]
  }
  return {
    unit: 'words',
    count: () => words,
    turn() {
      for (let i = 0; i < 2_000; i += 1) {
        sent += 1
        const found = split(SENTENCES[sent % SENTENCES.length] ?? '')
        for (let at = 0; at < found.length; at += 1) count(found[at] ?? '')
      }
    },
  }
}
