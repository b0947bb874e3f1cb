/** Who leads, as one text in the epoch's node: `name address`. Names have no blanks. */
import type { EpochRecord } from './records.ts'

export function leaderText(nimbus: string, address: string): string {
  return `${nimbus} ${address}`
}

/** undefined: nobody has ever led. */
export function epochRecordOf(epoch: number, leader: string): EpochRecord | undefined {
  const [nimbus = '', address = ''] = leader.split(' ')
  return epoch === 0 ? undefined : { epoch, nimbus, address }
}
