// A Nimbus, and the one that stands for it in tests, agree on who answers what.
import { type NimbusesUnderTest, standbyContract } from '../contract/standby.contract.ts'
import { NimbusWorld } from '../nimbus/nimbus-world.ts'
import { FakeNimbus } from './fake-nimbus.ts'

standbyContract('Nimbus', async (): Promise<NimbusesUnderTest> => {
  const world = new NimbusWorld()
  for (const name of ['nimbus-1', 'nimbus-2']) await world.startNimbus(name)
  const leader = await world.untilLed()
  const standby = [...world.seats.values()].find((each) => each !== leader)
  if (standby === undefined) throw new Error('there are two')
  await world.until(() => standby.board.view.epoch?.record.nimbus === leader.name, 'the standby knows it')
  return {
    leader: leader.nimbus.api,
    standby: standby.nimbus.api,
    addresses: { leader: `${leader.name}:6627`, standby: `${standby.name}:6627` },
    within: (work) => world.drive(work),
  }
})

standbyContract('FakeNimbus', async (): Promise<NimbusesUnderTest> => {
  const [leader, standby] = [new FakeNimbus(), new FakeNimbus()]
  leader.address = 'left:6627'
  standby.address = 'right:6627'
  standby.leader = leader.address
  return {
    leader,
    standby,
    addresses: { leader: leader.address, standby: standby.address },
    within: (work) => work,
  }
})
