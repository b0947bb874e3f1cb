/** Ends worker processes: they are asked to stop, and killed if they still live when their grace is over. */
import type { Host } from '../../host/host.ts'
import type { Seat } from './seat.ts'

const LOOK_MS = 20

export async function endSeats(host: Host, seats: readonly Seat[], graceMs: number): Promise<void> {
  for (const seat of seats) seat.send({ kind: 'stop', graceMs })
  const endMs = host.clock.monotonicMs() + graceMs
  while (seats.some((seat) => seat.process === 'alive') && host.clock.monotonicMs() < endMs) {
    await new Promise<void>((resolve) => host.timers.after(LOOK_MS, resolve))
  }
  for (const seat of seats) seat.kill('SIGKILL')
}
