// Who answers which call, the same for a Nimbus and for what stands for one in tests: clients go by it.
import { describe, expect, test } from 'vitest'
import { isStreamError } from '../../src/base/errors.ts'
import type { Caller, NimbusApi } from '../../src/rpc/nimbus-api.ts'
import { nimbusRoutes } from '../../src/rpc/routes/nimbus-routes.ts'
import { sampleCalls } from '../rpc/sample-calls.ts'

export interface NimbusesUnderTest {
  readonly leader: NimbusApi
  readonly standby: NimbusApi
  /** As each calls itself. */
  readonly addresses: { readonly leader: string; readonly standby: string }
  within<T>(work: Promise<T>): Promise<T>
}

const admin: Caller = { name: 'anna', roles: ['admin'] }
/** Taken by everybody, but clients bring it to the leader: copies start from there. */
const takenByAll = ['writeBlob', 'deleteBlob']

export function standbyContract(name: string, make: () => Promise<NimbusesUnderTest>): void {
  describe(name, () => {
    test('a standby answers what its route says, and names the leader for the rest', async () => {
      const { standby, within, addresses } = await make()
      for (const call of Object.keys(sampleCalls) as (keyof NimbusApi)[]) {
        const error = await within(failureOf(standby, call))
        const isAnswered = !isStreamError(error) || error.code !== 'NIMBUS_NOT_LEADER'
        const isOwn = nimbusRoutes[call].isAnsweredByAll || takenByAll.includes(call)
        expect([call, isAnswered]).toEqual([call, isOwn])
        if (!isAnswered) expect([call, error.details['leader']]).toEqual([call, addresses.leader])
      }
    })

    test('only the leader says that it leads, and what it calls itself', async () => {
      const { leader, within, addresses } = await make()
      expect(await within(leader.leadership(admin))).toMatchObject({ address: addresses.leader })
      for (const call of Object.keys(sampleCalls) as (keyof NimbusApi)[]) {
        expect(await within(failureOf(leader, call))).not.toMatchObject({ code: 'NIMBUS_NOT_LEADER' })
      }
    })
  })
}

async function failureOf<K extends keyof NimbusApi>(api: NimbusApi, name: K): Promise<unknown> {
  const call = api[name] as (caller: Caller, ...args: readonly unknown[]) => Promise<unknown>
  return await call(admin, ...sampleCalls[name]).then(
    () => undefined,
    (error: unknown) => error,
  )
}
