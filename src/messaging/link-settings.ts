/**
 * How links behave. The first four are settings of the topology; the rest are the house's own, changed by
 * tests.
 */

export interface LinkSettings {
  /** Size at which a frame leaves. */
  readonly transferFrameMaxBytes: number
  /** Bytes that may be under way to one executor. */
  readonly transferCreditMaxBytes: number
  /** Longest wait of a frame that is not full while the loop is busy. */
  readonly batchFlushIntervalMs: number
  readonly tupleMaxBytes: number
  /** Time between two echoes. */
  readonly echoMs: number
  /** A connection that brought nothing for so long is taken for dead. */
  readonly deadMs: number
  /** Longest time until a frame is acknowledged. */
  readonly answerDelayMs: number
  /** Size at which a frame leaves while the line takes everything. */
  readonly frameEagerBytes: number
  /** Arrays of frames that wait to be used again, for each link. */
  readonly pooledFramesMax: number
  /** Tests: what went back to the pool is overwritten. */
  readonly poisonsFrames: boolean
  /** Frames kept for a replay, and frames that wait for a connection. Beyond it the oldest are given up. */
  readonly replayMaxBytes: number
  /** Wait before a second dial, and its bound. */
  readonly redialFirstMs: number
  readonly redialMaxMs: number
  /** A stranger must have said HELLO by then. */
  readonly helloWaitMs: number
}

/** What a topology sets. */
export type TransferSettings = Pick<
  LinkSettings,
  'transferFrameMaxBytes' | 'transferCreditMaxBytes' | 'batchFlushIntervalMs' | 'tupleMaxBytes'
>

const defaults = {
  echoMs: 1_000,
  deadMs: 3_000,
  answerDelayMs: 10,
  // Measured (bench tcp/const-null/ack, /noack): half of it costs more writes, twice as much lets the peer
  // wait; acked tuples went from 1.3 to 2.4 M/s against frames of 32 KiB, the others were no slower.
  frameEagerBytes: 8 * 1024,
  pooledFramesMax: 64,
  poisonsFrames: false,
  replayMaxBytes: 64 * 1024 * 1024,
  redialFirstMs: 10,
  redialMaxMs: 1_000,
  helloWaitMs: 5_000,
}

export function fillLinkSettings(settings: TransferSettings & Partial<LinkSettings>): LinkSettings {
  return { ...defaults, ...settings }
}
