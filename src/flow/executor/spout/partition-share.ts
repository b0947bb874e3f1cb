/**
 * Which task of a source reads a partition: by the partition's name and the number of tasks alone.
 *
 * So a partition has one reader as long as there are so many tasks, however many partitions come and go
 * beside it. If it moved with them, two tasks would read it at once for a while, each from a position of its
 * own, and the one that is behind could set back what the other has stored.
 *
 * Names that differ in their last number, as `topic-0` to `topic-11` or files of days do, are dealt in turn:
 * no task gets more than one of them more than another. Other names are spread by their hash.
 */
import { hashText } from '../../../base/hash.ts'

/** Longer runs of digits are no numbers that count something. */
const DIGITS_MAX = 15
const LAST_NUMBER = new RegExp(`^(.*?)(\\d{1,${DIGITS_MAX}})(\\D*)$`, 's')

/** From 0 to below `taskCount`. */
export function taskOfPartition(partition: string, taskCount: number): number {
  const [, before, digits, after] = LAST_NUMBER.exec(partition) ?? []
  if (digits === undefined) return (hashText(partition) >>> 0) % taskCount
  const first = hashText(`${before}#${after}`) >>> 0
  return (first + Number(digits)) % taskCount
}
