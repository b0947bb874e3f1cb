/**
 * The number of a leadership, kept in a node of its own: each new leader raises it before anything else, and
 * every write of a leader checks the node's version. So a leader that is not one any more writes nothing,
 * whatever it believes.
 *
 *     /epoch   JSON {"epoch": 7, "leader": "nimbus-1"}      version = what writes check
 */
import { FormatError, hasCode } from '../../base/errors.ts'
import { ANY_VERSION, type Coordinator } from '../coordinator.ts'
import { ensurePath } from './ensure-path.ts'

export interface Epoch {
  /** From 1; larger is later. */
  readonly epoch: number
  /** Version of the epoch's node: the condition of every write. */
  readonly epochVersion: number
}

export interface EpochRecord {
  /** 0: nobody has ever led. */
  readonly epoch: number
  /** Who raised it to this. */
  readonly leader: string
}

/**
 * Raises the epoch, if the place in line is still there.
 * @returns undefined: the place is gone, or somebody else raised it in between
 */
export async function raiseEpoch(
  coordinator: Coordinator,
  spec: { readonly epochPath: string; readonly placePath: string; readonly leader: string },
): Promise<Epoch | undefined> {
  const { epochPath, placePath, leader } = spec
  await ensurePath(coordinator, epochPath, encodeEpoch({ epoch: 0, leader: '' }))
  const { data, stat } = await coordinator.get(epochPath)
  const epoch = parseEpoch(epochPath, data).epoch + 1
  try {
    const results = await coordinator.multi([
      { kind: 'check', path: placePath, version: ANY_VERSION },
      { kind: 'set', path: epochPath, data: encodeEpoch({ epoch, leader }), version: stat.version },
    ])
    const set = results[1]
    return set?.kind === 'set' ? { epoch, epochVersion: set.stat.version } : undefined
  } catch (error) {
    if (hasCode(error, 'RECORD_MISSING') || hasCode(error, 'RECORD_CHANGED')) return undefined
    throw error
  }
}

export function encodeEpoch(record: EpochRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record))
}

/** @throws FormatError RECORD_MALFORMED with the path: it is never overwritten */
export function parseEpoch(path: string, data: Uint8Array): EpochRecord {
  const record = parseJson(new TextDecoder().decode(data))
  if (typeof record === 'object' && record !== null && 'epoch' in record && 'leader' in record) {
    const { epoch, leader } = record
    if (typeof epoch === 'number' && Number.isSafeInteger(epoch) && epoch >= 0 && typeof leader === 'string')
      return { epoch, leader }
  }
  throw new FormatError('RECORD_MALFORMED', `${path} holds no epoch`, { path, sizeBytes: data.length })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
