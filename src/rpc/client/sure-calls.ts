/** Calls that change a topology: whoever is unsure whether one arrived asks again, and harms nothing. */
import { hasCode } from '../../base/errors.ts'
import type { Host } from '../../host/host.ts'
import type { OperationStatus, RebalanceRequest } from '../nimbus-api.ts'
import type { NimbusClient } from '../nimbus-client.ts'

/** A rebalance that is begun once, also if a leader stops in the middle of it. */
export async function rebalance(
  nimbus: NimbusClient,
  host: Pick<Host, 'random'>,
  name: string,
  request: Omit<RebalanceRequest, 'idempotencyKey'>,
): Promise<OperationStatus> {
  const keyed = { ...request, idempotencyKey: freshKey(host) }
  return await nimbus.call('rebalance', [name, keyed], { isRepeatable: true })
}

/** A kill whose answer was lost may have left nothing behind that could be killed: then it is done. */
export async function kill(
  nimbus: NimbusClient,
  name: string,
  drainMs: number | undefined,
): Promise<OperationStatus> {
  let isMaybeDone = false
  const onUnknown = (): void => {
    isMaybeDone = true
  }
  try {
    return await nimbus.call('kill', [name, drainMs], { onUnknown })
  } catch (error) {
    if (!isMaybeDone || !hasCode(error, 'TOPOLOGY_NOT_FOUND')) throw error
    const gone = { step: 'gone', done: 1, total: 1, state: 'done', error: undefined } as const
    return { id: `kill:${encodeURIComponent(name)}:0`, kind: 'kill', subject: name, ...gone }
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
