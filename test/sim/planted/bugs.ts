/**
 * Bugs of the kind that such engines have had, each put into our classes from outside. A check that none of
 * them turns red checks nothing.
 */
import { AckLedger } from '../../../src/flow/ack/ack-ledger.ts'
import { AckRouter } from '../../../src/flow/ack/ack-router.ts'
import { EdgeIds } from '../../../src/flow/ack/edge-ids.ts'
import { BoltExecutor } from '../../../src/flow/executor/bolt/bolt-executor.ts'
import { BoltTask } from '../../../src/flow/executor/bolt/bolt-task.ts'
import { CallCollector } from '../../../src/flow/executor/bolt/call-collector.ts'
import { Inbox } from '../../../src/flow/executor/inbox.ts'
import { AckedPrefix } from '../../../src/flow/executor/spout/acked-prefix.ts'
import { SourceTask } from '../../../src/flow/executor/spout/source-task.ts'
import { SpoutExecutor } from '../../../src/flow/executor/spout/spout-executor.ts'
import { SpoutTask } from '../../../src/flow/executor/spout/spout-task.ts'
import { CreditGate } from '../../../src/messaging/credit-gate.ts'
import { FrameQueue } from '../../../src/messaging/frame-queue.ts'
import { IncomingLink } from '../../../src/messaging/incoming-link.ts'
import { WorkerLink } from '../../../src/messaging/link.ts'
import { ReceivingChannel } from '../../../src/messaging/receiving-channel.ts'
import { DeadLetterBook } from '../../../src/testing/run-records.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { apart, broken, crowded, dying } from '../scenarios.ts'
import { type Call, type Parts, type Planted, replaced } from './plant.ts'

const nothing: Call = () => undefined

export const planted: readonly Planted[] = [
  {
    name: 'a tuple is acked before it is executed',
    told: /I5|ledger|I6/,
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
    name: 'edges of children are left out of an ack',
    told: /I5/,
    plant: () =>
      replaced(
        AckRouter.prototype,
        'ack',
        (ack) =>
          function (this: Parts, tuple: Parts) {
            tuple.childLow = 0
            tuple.childHigh = 0
            return ack.call(this, tuple)
          },
      ),
  },
  {
    name: 'all edges have the same id',
    told: /I5|I6|liveness|calm/,
    plant: () =>
      replaced(
        EdgeIds.prototype,
        'take',
        () =>
          function (this: Parts) {
            this.low = 7
            this.high = 7
          },
      ),
  },
  {
    name: 'ids have four bits',
    told: /I5|I6|liveness|calm|end/,
    plant: () =>
      replaced(
        EdgeIds.prototype,
        'take',
        (take) =>
          function (this: Parts) {
            take.call(this)
            this.low = (this.low & 15) | 1
            this.high = 0
          },
      ),
  },
  {
    name: 'a tree counts as complete before its spout has registered it',
    told: /I5|I6|calm|liveness/,
    plant: () =>
      replaced(
        AckLedger.prototype,
        'mix',
        (mix) =>
          function (this: Parts, root: Parts, low, high) {
            root.isRegistered = true
            return mix.call(this, root, low, high)
          },
      ),
  },
  {
    name: 'a place among the pending is given back twice',
    told: /I6|I7/,
    plant: () =>
      replaced(
        SpoutTask.prototype,
        'tell',
        (tell) =>
          function (this: Parts, root) {
            tell.call(this, root)
            this.pendingCount -= 1
          },
      ),
  },
  {
    name: 'a replay is lost',
    told: /I6|liveness|end/,
    plant: () =>
      replaced(
        SourceTask.prototype,
        'rest',
        () =>
          function (this: Parts) {
            this.pendingCount += 0
          },
      ),
  },
  {
    name: 'a replay takes a second place among the pending',
    told: /I6|I7|liveness/,
    plant: () =>
      replaced(
        SourceTask.prototype,
        'rest',
        (rest) =>
          function (this: Parts, ...args) {
            rest.apply(this, args)
            this.pendingCount += 1
          },
      ),
  },
  {
    name: 'a tree that was given up may still get its verdict',
    told: /I6|I22/,
    plant: () => replaced(AckRouter.prototype, 'forget', () => nothing),
  },
  {
    name: 'nobody waits at a closed gate',
    scenario: crowded,
    told: /I7/,
    plant() {
      const undo = [BoltExecutor, SpoutExecutor].map((each) =>
        replaced(each.prototype, 'blockOn', () => nothing),
      )
      return () => {
        for (const each of undo) each()
      }
    },
  },
  {
    name: 'a full inbox drops what comes',
    told: /calm|liveness/,
    plant: () =>
      replaced(
        Inbox.prototype,
        'push',
        (push) =>
          function (this: Parts, tuple) {
            return this.count >= this.capacity ? false : push.call(this, tuple)
          },
      ),
  },
  {
    name: 'the newest tuple of an inbox comes first',
    told: /order/,
    plant: () =>
      replaced(
        Inbox.prototype,
        'push',
        (push) =>
          function (this: Parts, tuple) {
            const isOpen = push.call(this, tuple)
            if (this.count > 1) {
              const last = (this.tail - 1) & this.mask
              const before = (this.tail - 2) & this.mask
              const kept = this.slots[last]
              this.slots[last] = this.slots[before]
              this.slots[before] = kept
            }
            return isOpen
          },
      ),
  },
  {
    name: 'the stored position moves past an open item',
    told: /prefix/,
    plant: () =>
      replaced(
        AckedPrefix.prototype,
        'done',
        (done) =>
          function (this: Parts, entry: Parts) {
            done.call(this, entry)
            this.position = entry.position
          },
      ),
  },
  {
    name: 'the loss of a worker fails nothing',
    scenario: dying,
    told: /calm|liveness/,
    plant: () => replaced(Worker.prototype, 'onLost', () => nothing),
  },
  {
    name: 'time-outs are not looked for',
    told: /timeout|liveness/,
    plant: () => replaced(SpoutTask.prototype, 'sweep', () => nothing),
  },
  {
    name: 'time-outs come too early',
    told: /timeout/,
    plant: () =>
      replaced(
        SpoutTask.prototype,
        'sweep',
        (sweep) =>
          function (this: Parts, nowMs) {
            return sweep.call(this, Number(nowMs) + 500)
          },
      ),
  },
  {
    name: 'emits of a call that threw are kept',
    told: /I-atomic/,
    plant: () =>
      replaced(
        CallCollector.prototype,
        'discard',
        () =>
          function (this: Parts) {
            this.flush(undefined)
          },
      ),
  },
  {
    name: 'a dead letter is acked and thrown away',
    told: /dead letters/,
    plant: () => replaced(DeadLetterBook.prototype, 'add', () => () => true),
  },
  {
    name: 'a repeated frame is taken again',
    scenario: broken,
    told: /order/,
    plant() {
      const undo = [
        replaced(
          IncomingLink.prototype,
          'isNext',
          () =>
            function (this: Parts, sequence) {
              this.lastSequence = sequence
              return true
            },
        ),
        // What the peer has seen is sent again, so that there are repetitions.
        replaced(
          WorkerLink.prototype,
          'attach',
          (attach) =>
            function (this: Parts, connection, last) {
              this.queue.acknowledge = () => undefined
              const isWhole = attach.call(this, connection, last)
              delete this.queue.acknowledge
              return isWhole
            },
        ),
      ]
      return () => {
        for (const each of undo) each()
      }
    },
  },
  {
    name: 'frames in flight are not sent again after a reset',
    scenario: broken,
    told: /calm|liveness|credit/,
    plant: () => replaced(FrameQueue.prototype, 'rewind', () => nothing),
  },
  {
    name: 'credit is not given back when an inbox opens',
    told: /liveness|credit|calm/,
    plant: () =>
      replaced(
        ReceivingChannel.prototype,
        'onGateOpened',
        () =>
          function (this: Parts) {
            this.isHeld = false
          },
      ),
  },
  {
    name: 'credit is counted twice as it comes back',
    told: /credit/,
    plant: () =>
      replaced(
        CreditGate.prototype,
        'grant',
        (grant) =>
          function (this: Parts, total) {
            const before = this.granted
            grant.call(this, total)
            this.granted += this.granted - before
          },
      ),
  },
  {
    name: 'a closed credit gate lets tuples through',
    scenario: apart,
    told: /I7/,
    plant: () =>
      replaced(
        CreditGate.prototype,
        'spend',
        (spend) =>
          function (this: Parts, size) {
            spend.call(this, size)
            return true
          },
      ),
  },
]
