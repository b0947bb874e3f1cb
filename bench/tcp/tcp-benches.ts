/** Topologies that run on two worker processes, by the name a child is told. */
import type { Bench } from '../engine.ts'
import { constNull, simplifiedWordCount, wordCountText } from '../topologies/storm-perf.ts'

const workerCount = 2

/** `rate`: tuples a second; 0: at full speed. */
export const tcpBenches: ReadonlyMap<string, (rate: number) => Bench> = new Map([
  ['const-null/noack', (rate: number) => constNull({ isAcked: false, workerCount, rate })],
  ['const-null/ack', (rate: number) => constNull({ isAcked: true, workerCount, rate })],
  ['simplified-word-count/noack', () => simplifiedWordCount({ isAcked: false, workerCount })],
  ['simplified-word-count/ack', () => simplifiedWordCount({ isAcked: true, workerCount })],
  ['word-count-text/noack', (rate: number) => wordCountText({ isAcked: false, workerCount, rate })],
  ['word-count-text/ack', (rate: number) => wordCountText({ isAcked: true, workerCount, rate })],
])
