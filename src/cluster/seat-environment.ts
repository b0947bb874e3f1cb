/**
 * What the environment of a worker process says, apart from what its topology put there: how it finds its
 * supervisor, and what it shows it. Never in its arguments, which every user of the machine can read.
 */

export const SeatVariable = {
  /**
   * Path of a file `{"address": "host:port"}`: written anew by each supervisor, so read it before each dial.
   */
  CONTROL_PATH: 'TYPHOON_SEAT_CONTROL',
  /** Shown in HELLO. Take it out of the environment before user code runs. */
  SECRET: 'TYPHOON_SEAT_SECRET',
  /**
   * Paths of PEM files for links to other workers, as JSON: `{"cert": …, "key": …, "ca": …}`. Absent: plain
   * TCP.
   */
  TLS: 'TYPHOON_SEAT_TLS',
} as const

/** What stands in the file. */
export interface SeatControl {
  readonly address: string
}
