/** Standing for leader in one session, and what a leader may do. */
import type { Logger } from '../base/log.ts'
import type { Coordinator } from '../coordinate/coordinator.ts'
import type { Epoch } from '../coordinate/recipes/epoch.ts'
import { EpochWriter } from '../coordinate/recipes/epoch-writer.ts'
import { LeaderElection } from '../coordinate/recipes/leader-election.ts'
import type { Host } from '../host/host.ts'
import type { BoardWrite, CampaignSpec, Leadership } from './board.ts'
import { operationOf } from './board-writes.ts'
import { leaderText } from './epoch-text.ts'
import { partText, paths } from './paths.ts'
import { PositionShelf } from './position-shelf.ts'

export interface CampaignParts {
  readonly host: Host
  readonly log: Logger
  readonly coordinator: Coordinator
  readonly root: string
  readonly campaign: CampaignSpec
}

export class Campaign {
  private readonly parts: CampaignParts
  private readonly election: LeaderElection

  constructor(parts: CampaignParts) {
    const { host, log, coordinator, root, campaign } = parts
    this.parts = parts
    this.election = new LeaderElection({
      host,
      coordinator,
      linePath: root + paths.candidates,
      epochPath: root + paths.epoch,
      id: leaderText(campaign.nimbus, campaign.address),
      onLeader: (epoch) => campaign.onLeader(this.leadershipOf(epoch)),
      onStandby: (reason) => campaign.onStandby(reason),
      onTrouble: (error) => log.error('standing for leader fails', { message: String(error) }),
    })
  }

  stop(): void {
    this.election.stop().catch((error: unknown) => {
      this.parts.log.warn('a place in line could not be given up, it goes with the session', {
        message: String(error),
      })
    })
  }

  private leadershipOf(epoch: Epoch): Leadership {
    const { coordinator, root } = this.parts
    const { election } = this
    const writer = new EpochWriter({
      coordinator,
      epochPath: root + paths.epoch,
      epoch,
      onOld: () => {
        // Refused by the store before we were told: somebody else leads.
        if (election.epoch?.epoch === epoch.epoch) election.giveUp()
      },
    })
    const shelf = new PositionShelf(coordinator, root)
    return {
      epoch: epoch.epoch,
      get isHeld() {
        return election.epoch?.epoch === epoch.epoch
      },
      write: async (writes: readonly BoardWrite[]) => {
        await writer.write(writes.map((write) => operationOf(root, write)))
      },
      deletePositions: (topologyId, countMax) => {
        return shelf.remove(topologyId, countMax, (operations) => writer.write(operations))
      },
      topologiesWithPositions: async () => (await coordinator.children(root + paths.positions)).map(partText),
      resign: async () => {
        if (election.epoch?.epoch === epoch.epoch) election.giveUp()
      },
    }
  }
}
