/**
 * Takes the first place in a line from whoever has it: for one who waits and is sure that the first is gone,
 * long before its session is over. Being wrong costs a change of leaders, and nothing else: the one unseated
 * is told by its own watch, and its writes are refused as soon as the next has raised the epoch.
 */
import { hasCode } from '../../base/errors.ts'
import { ANY_VERSION, type Coordinator } from '../coordinator.ts'
import { parseEpoch } from './epoch.ts'
import { inOrder } from './line.ts'

export interface UnseatSpec {
  readonly linePath: string
  readonly epochPath: string
  /** The leadership that is doubted: with another, nothing is done. */
  readonly epoch: number
  /** What stands in the place of whoever is doubted. */
  readonly placeText: string
}

/**
 * False: somebody else leads already, the place is gone, or nobody else stands in line: whoever is doubted
 * would only have to stand again, and nobody would lead meanwhile.
 */
export async function unseat(coordinator: Coordinator, spec: UnseatSpec): Promise<boolean> {
  const { linePath, epochPath, epoch, placeText } = spec
  try {
    await coordinator.sync(linePath)
    const found = await coordinator.get(epochPath)
    if (parseEpoch(epochPath, found.data).epoch !== epoch) return false
    const [first, second] = inOrder(await coordinator.children(linePath))
    if (first === undefined || second === undefined) return false
    const place = await coordinator.get(`${linePath}/${first}`)
    if (new TextDecoder().decode(place.data) !== placeText) return false
    await coordinator.multi([
      { kind: 'check', path: epochPath, version: found.stat.version },
      { kind: 'check', path: `${linePath}/${second}`, version: ANY_VERSION },
      { kind: 'delete', path: `${linePath}/${first}`, version: place.stat.version },
    ])
    return true
  } catch (error) {
    if (hasCode(error, 'RECORD_MISSING') || hasCode(error, 'RECORD_CHANGED')) return false
    throw error
  }
}
