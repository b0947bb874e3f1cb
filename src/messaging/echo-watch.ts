/**
 * Tells a dead connection from a silent one. A connection may be half open: our bytes go nowhere, and nothing
 * says so. Who dialled asks for an echo at fixed times; who hears nothing for too long, on either side, gives
 * the connection up.
 *
 * Pure: time comes in through `judge`, which is called more often than an echo is due.
 */

/** What is to be done now. */
export const EchoVerdict = { FINE: 0, ASK: 1, DEAD: 2 } as const

export class EchoWatch {
  private readonly echoMs: number
  private readonly deadMs: number
  private hasHeard = true
  private heardMs = 0
  private askedMs = 0
  private judgedMs = Number.POSITIVE_INFINITY

  constructor(settings: { readonly echoMs: number; readonly deadMs: number }) {
    this.echoMs = settings.echoMs
    this.deadMs = settings.deadMs
  }

  /** A connection begins. */
  restart(nowMs: number): void {
    this.hasHeard = false
    this.heardMs = nowMs
    this.askedMs = nowMs
    this.judgedMs = nowMs
  }

  /** HOT. Bytes have come. When exactly is not asked: a clock costs more than the call. */
  heard(): void {
    this.hasHeard = true
  }

  judge(nowMs: number): number {
    // If this loop stood still, bytes may wait that it had no chance to read: the silence is ours.
    const stoodStill = nowMs - this.judgedMs > this.echoMs
    this.judgedMs = nowMs
    if (this.hasHeard || stoodStill) {
      this.hasHeard = false
      this.heardMs = nowMs
    }
    if (nowMs - this.heardMs >= this.deadMs) return EchoVerdict.DEAD
    if (nowMs - this.askedMs < this.echoMs) return EchoVerdict.FINE
    this.askedMs = nowMs
    return EchoVerdict.ASK
  }
}
