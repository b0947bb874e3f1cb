// The contract of coordinators on the ensemble in memory: in real time, in virtual time with delays, and with
// followers that are late.
import { coordinatorContract } from '../contract/coordinator.contract.ts'
import { realWorld, virtualWorld } from './memory-worlds.ts'

const options = { hasFaults: true, sweptWithinMs: 5_000 }

coordinatorContract('memory, real time', realWorld, options)
coordinatorContract('memory, virtual time', () => virtualWorld(1), options)
coordinatorContract(
  'memory, virtual time, three servers, followers late',
  () => virtualWorld(2, { serverCount: 3, faults: { staleShare: 0.5, lagMsMax: 300 } }),
  options,
)
