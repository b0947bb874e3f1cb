/** All faults of a real cluster. What is said of them is what `npm run chaos -- --list` prints. */
import { nimbusFaults, nodeFaults, zooKeeperFaults } from './daemon-faults.ts'
import type { RealFault } from './fault.ts'
import { machineFaults } from './machine-faults.ts'
import { workerFaults } from './worker-faults.ts'

export const realFaults: readonly RealFault[] = [
  ...workerFaults,
  ...nodeFaults,
  ...nimbusFaults,
  ...zooKeeperFaults,
  ...machineFaults,
]
