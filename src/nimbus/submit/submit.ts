/**
 * A submit, from the request to a topology that stands on the board. Staged: everything before the one
 * write can be repeated, everything after it is the leader's round.
 *
 *   examine ─▶ copies on another Nimbus ─▶ one multi: name + record + answer for the key ─▶ round
 *
 * Invariants
 *   S1  visible means complete: its blobs are here with the right digests, looked for again right before, and
 *       name and record came together
 *   S2  a key is answered the same for ever: what a write's lost answer left behind is read back, not made
 *       again
 */
import { ConflictError, hasCode, isStreamError } from '../../base/errors.ts'
import type { BoardWrite } from '../../cluster/board.ts'
import type { TopologyRecord } from '../../cluster/records.ts'
import type { SubmitReply, SubmitRequest } from '../../rpc/nimbus-api.ts'
import { type Desk, leading, notLeader } from '../api/desk.ts'
import { checkBlob, examine } from './examine.ts'
import { refusalError } from './judge-outline.ts'
import { checkKey, checkName, topologyId } from './name-rules.ts'
import { replicate } from './replicate.ts'

/** Times that the outcome of a write is read back before the caller has to. */
const READ_BACK_MAX = 3
const READ_BACK_MS = 500

export async function submit(desk: Desk, request: SubmitRequest): Promise<SubmitReply> {
  leading(desk)
  checkName(request.name)
  await desk.board.sync()
  const earlier = await earlierReply(desk, request)
  if (earlier !== undefined) return earlier
  refuseTaken(desk, request.name)
  const digests = [request.bundle.digest, request.outline.digest]
  return desk.claims.during(digests, () => submitHeld(desk, request))
}

/** Nobody deletes its blobs meanwhile. */
async function submitHeld(desk: Desk, request: SubmitRequest): Promise<SubmitReply> {
  const examined = await examine(desk, request)
  const [refusal] = examined.refusals
  if (refusal !== undefined) throw refusalError(refusal)
  const copies = await replicate(desk, [request.bundle, request.outline])
  const warnings = examined.warnings.map(({ message }) => message)
  if (copies !== undefined) warnings.push(copies)
  // The disk is not ours alone.
  await checkBlob(desk, request.bundle, 'bundle')
  await checkBlob(desk, request.outline, 'outline')
  return write(desk, request, warnings)
}

async function earlierReply(desk: Desk, request: SubmitRequest): Promise<SubmitReply | undefined> {
  const { idempotencyKey: key, name } = request
  if (key === undefined) return undefined
  checkKey(key)
  const record = await desk.board.submitOf(key)
  if (record === undefined) return undefined
  const found = desk.board.view.topologies.get(record.topologyId)?.record
  return { id: record.topologyId, name: found?.name ?? name, isRepeated: true, warnings: [] }
}

function refuseTaken({ board }: Desk, name: string): void {
  const id = board.view.names.get(name)
  if (id !== undefined) throw taken(name, id)
}

function taken(name: string, id: string): ConflictError {
  return new ConflictError('TOPOLOGY_NAME_TAKEN', `a topology named '${name}' is there already`, { name, id })
}

async function write(desk: Desk, request: SubmitRequest, warnings: readonly string[]): Promise<SubmitReply> {
  const { host, memory, log } = desk
  const record = recordOf(desk, request)
  const { id, name } = record
  const writes: BoardWrite[] = [
    { kind: 'take-name', name, id },
    { kind: 'put-topology', record, version: undefined },
  ]
  const { idempotencyKey: key } = request
  if (key !== undefined) writes.push({ kind: 'put-submit', record: { key, topologyId: id } })
  const reign = leading(desk)
  try {
    await reign.leadership.write(writes)
  } catch (error) {
    const outcome = await outcomeOf(desk, request, id, error)
    if (outcome !== undefined) return { ...outcome, warnings }
  }
  memory.events.add({
    at: host.clock.now(),
    kind: 'topology-submitted',
    topology: name,
    message: `${name} was submitted`,
    details: { id },
  })
  log.info('topology submitted', { topology: id, name })
  reign.kick()
  await readOwnWrite(desk)
  return { id, name, isRepeated: false, warnings }
}

/** Who was told that a topology is there finds it there. That it is submitted holds in any case. */
async function readOwnWrite({ board, log }: Desk): Promise<void> {
  try {
    await board.sync()
  } catch (error) {
    if (!isStreamError(error)) throw error
    log.debug('the view may lag behind a submit', { code: error.code })
  }
}

/** What came of a write that failed, or whose answer was lost. undefined: it is written. */
async function outcomeOf(
  desk: Desk,
  request: SubmitRequest,
  id: string,
  error: unknown,
): Promise<SubmitReply | undefined> {
  if (!isStreamError(error)) throw error
  if (hasCode(error, 'EPOCH_OLD')) throw notLeader(desk)
  const isLost = hasCode(error, 'COORDINATOR_UNAVAILABLE') && error.details['outcome'] === 'unknown'
  if (!isLost && !hasCode(error, 'RECORD_EXISTS')) throw error
  await readBack(desk, error)
  const { view } = desk.board
  const holder = view.names.get(request.name)
  if (holder === id) return undefined
  const earlier = await earlierReply(desk, request)
  if (earlier !== undefined) return earlier
  if (holder !== undefined) throw taken(request.name, holder)
  // It did not take effect, and nobody was faster: the caller may repeat it.
  throw error
}

/** After it the view is as new as the write. @throws the first error, if the coordinator stays away */
async function readBack({ board, host }: Desk, first: unknown): Promise<void> {
  for (let attempt = 1; attempt <= READ_BACK_MAX; attempt += 1) {
    try {
      await board.sync()
      return
    } catch (error) {
      if (!isStreamError(error)) throw error
      await new Promise<void>((resolve) => host.timers.after(READ_BACK_MS, resolve))
    }
  }
  throw first
}

function recordOf({ host }: Desk, request: SubmitRequest): TopologyRecord {
  const random = new Int32Array(2)
  host.random.fill(random)
  return {
    id: topologyId(request.name, random),
    name: request.name,
    version: 1,
    phase: request.isInactive ? 'inactive' : 'active',
    phaseAfter: undefined,
    phaseDeadline: undefined,
    submittedAt: host.clock.now(),
    idempotencyKey: request.idempotencyKey,
    bundle: request.bundle,
    outline: request.outline,
    args: request.args,
    config: request.config,
    parallelism: {},
    workers: undefined,
    scheduler: undefined,
    wanted: undefined,
    quarantine: undefined,
  }
}
