/**
 * Bugs of the kind that clusters of this sort have had, each put into our classes from outside. A check that
 * none of them turns red checks nothing.
 */
import { BoardMirror } from '../../../../src/cluster/board-mirror.ts'
import { ClusterBoard } from '../../../../src/cluster/cluster-board.ts'
import { PositionShelf } from '../../../../src/cluster/position-shelf.ts'
import { EpochWriter } from '../../../../src/coordinate/recipes/epoch-writer.ts'
import { LeaderElection } from '../../../../src/coordinate/recipes/leader-election.ts'
import { AckRouter } from '../../../../src/flow/ack/ack-router.ts'
import { BoltTask } from '../../../../src/flow/executor/bolt/bolt-task.ts'
import { AckedPrefix } from '../../../../src/flow/executor/spout/acked-prefix.ts'
import { PostOffice } from '../../../../src/messaging/post-office.ts'
import { PositionPost } from '../../../../src/supervisor/post/position-post.ts'
import { SeatDesk } from '../../../../src/supervisor/seat/seat-desk.ts'
import { SlotProcess } from '../../../../src/supervisor/slot-process.ts'
import { SlotRunner } from '../../../../src/supervisor/slot-runner.ts'
import { Supervisor } from '../../../../src/supervisor/supervisor.ts'
import { type Call, type Parts, replaced } from '../../planted/plant.ts'
import { clusterScenarios } from '../scenarios.ts'
import type { ClusterSimOptions } from '../simulation.ts'

export interface PlantedInCluster {
  readonly name: string
  /** Puts it in. @returns takes it out */
  plant(): () => void
  /** Where it shows. Default: the pinned seeds. */
  readonly options?: ClusterSimOptions | undefined
  /** What a check must say about it. */
  readonly told: RegExp
}

const nothing: Call = () => undefined
const later: Call = async () => undefined

export const plantedInCluster: readonly PlantedInCluster[] = [
  {
    name: 'a leader that has lost its place goes on leading, and its writes are not checked',
    told: /I1:/,
    plant() {
      const undoStep = replaced(LeaderElection.prototype, 'stepDown', () => nothing)
      const undoWrite = replaced(
        EpochWriter.prototype,
        'write',
        () =>
          function (this: Parts, operations: unknown) {
            return this.spec.coordinator.multi(operations)
          },
      )
      return () => {
        undoStep()
        undoWrite()
      }
    },
  },
  {
    name: 'a worker is taken for gone while its process lives: two in a slot',
    told: /I16|I4/,
    plant: () =>
      replaced(
        SlotRunner.prototype,
        'carryOut',
        (original) =>
          function (this: Parts, effect: unknown) {
            if (effect !== 'kill') return original.call(this, effect)
            // The signal is forgotten; what is told is that it worked.
            this.process.gone({ reason: 'killed', text: 'believed to be' })
            return undefined
          },
      ),
  },
  {
    name: 'a restart is not counted: two lives of a worker have one incarnation',
    told: /I4:/,
    plant: () =>
      replaced(
        SlotProcess.prototype,
        'begin',
        (original) =>
          function (this: Parts, order: Parts) {
            return original.call(this, { ...order, restart: 0 })
          },
      ),
  },
  {
    name: 'a tuple is acked before it is executed',
    told: /I5:/,
    plant() {
      const { ack } = AckRouter.prototype
      const undoRun = replaced(
        BoltTask.prototype,
        'run',
        (run) =>
          function (this: Parts, tuple) {
            ack.call(this.services.acks, tuple as never)
            return run.call(this, tuple)
          },
      )
      const undoAck = replaced(AckRouter.prototype, 'ack', () => nothing)
      return () => {
        undoRun()
        undoAck()
      }
    },
  },
  {
    name: 'the position of a source runs ahead of what is acked',
    told: /I5:/,
    plant: () =>
      replaced(
        AckedPrefix.prototype,
        'take',
        (take) =>
          function (this: Parts, position) {
            const entry = take.call(this, position)
            this.done(entry)
            return entry
          },
      ),
  },
  {
    name: 'a peer of an older incarnation is believed',
    told: /I3:/,
    plant: () =>
      replaced(
        PostOffice.prototype,
        'meet',
        (meet) =>
          function (this: Parts, peer: Parts, incarnation, from) {
            const before = peer.incarnation
            const isNewer = meet.call(this, peer, incarnation, from)
            if (before !== 0 && isNewer === true && peer.incarnation > before) peer.incarnation = before - 1
            return isNewer
          },
      ),
  },
  {
    name: 'positions are written whatever the assignment says, and never read again',
    told: /I5: position .* went back/,
    plant() {
      const undoLoad = replaced(PositionPost.prototype, 'load', () => later)
      const undoKnown = replaced(PositionPost.prototype, 'knownOf', () => () => ({}))
      return () => {
        undoLoad()
        undoKnown()
      }
    },
  },
  {
    name: 'positions that waited while others had the worker are taken for newer',
    told: /I5: position .* went back/,
    options: clusterScenarios['a node is cut off until others have its workers, and comes back']?.options,
    plant() {
      const undoDrop = replaced(PositionPost.prototype, 'dropForeign', () => nothing)
      const undoTake = replaced(
        PositionPost.prototype,
        'take',
        (take) =>
          function (this: Parts, source: Parts, positions) {
            const { waiting } = this.shelf(source.topologyId)
            const old = waiting.get(source.worker)
            if (old !== undefined) waiting.set(source.worker, { ...old, source })
            return take.call(this, source, positions)
          },
      )
      return () => {
        undoDrop()
        undoTake()
      }
    },
  },
  {
    name: 'positions of a killed topology are left',
    told: /I15: .*positions/,
    plant: () => replaced(PositionShelf.prototype, 'remove', () => later),
  },
  {
    name: 'a submit that is repeated is not known again',
    told: /I14:|threw: /,
    plant: () => replaced(ClusterBoard.prototype, 'submitOf', () => later),
  },
  {
    name: 'a part of the board is read once, and changes are not listened to',
    told: /liveness|I15/,
    plant: () => replaced(BoardMirror.prototype, 'onEvent', () => nothing),
  },
  {
    name: 'a supervisor does not follow the board',
    told: /liveness|I15/,
    plant: () => replaced(Supervisor.prototype, 'onBoard', () => nothing),
  },
  {
    name: 'workers that dial their new supervisor are not taken back',
    told: /liveness|I15|I16|I4/,
    plant: () => replaced(SeatDesk.prototype, 'expect', () => nothing),
  },
  {
    name: 'a token stands in the log',
    told: /I21:/,
    plant: () =>
      replaced(
        SlotRunner.prototype,
        'assign',
        (original) =>
          function (this: Parts, order: Parts, living: unknown) {
            this.parts.log.debug('assigned', { order: JSON.stringify(order) })
            return original.call(this, order, living)
          },
      ),
  },
]
