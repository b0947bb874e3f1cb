/**
 * Calls that change a topology: whoever is unsure whether one arrived asks again, and harms nothing. The next
 * leader may know another topology by the same name: so the id goes along, and that one is left alone.
 */
import { hasCode } from '../../base/errors.ts'
import type { Host } from '../../host/host.ts'
import type { OperationStatus, RebalanceRequest } from '../nimbus-api.ts'
import type { NimbusClient } from '../nimbus-client.ts'

/** A topology that was seen to run. */
export interface SeenTopology {
  readonly name: string
  readonly id: string
}

/** A rebalance that is begun once, also if a leader stops in the middle of it. */
export async function rebalance(
  nimbus: NimbusClient,
  host: Pick<Host, 'random'>,
  { name, id }: SeenTopology,
  request: Omit<RebalanceRequest, 'idempotencyKey' | 'topologyId'>,
): Promise<OperationStatus> {
  const keyed = { ...request, idempotencyKey: freshKey(host), topologyId: id }
  return await nimbus.call('rebalance', [name, keyed], { isRepeatable: true })
}

/** A kill whose answer was lost may have left nothing of that id that could be killed: then it is done. */
export async function kill(
  nimbus: NimbusClient,
  { name, id }: SeenTopology,
  drainMs: number | undefined,
): Promise<OperationStatus> {
  let isMaybeDone = false
  const onUnknown = (): void => {
    isMaybeDone = true
  }
  try {
    return await nimbus.call('kill', [name, drainMs, id], { onUnknown })
  } catch (error) {
    if (!isMaybeDone || !hasCode(error, 'TOPOLOGY_NOT_FOUND')) throw error
    const gone = { step: 'gone', done: 1, total: 1, state: 'done', error: undefined } as const
    return { id: `kill:${encodeURIComponent(id)}:0`, kind: 'kill', subject: id, ...gone }
  }
}

export function freshKey({ random }: Pick<Host, 'random'>): string {
  const drawn = new Int32Array(4)
  // Not from a stream split off here: of one label there is one stream, which begins with the same key.
  random.fill(drawn)
  return hex(new Uint8Array(drawn.buffer))
}

export function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
