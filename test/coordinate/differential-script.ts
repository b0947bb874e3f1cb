// Random scripts of operations on a coordinator, under a seed: what is done does not depend on what came out,
// so that the same script can be run on two implementations.
import { SeededRandom } from '../../src/base/random.ts'
import type { Acl, CreateMode } from '../../src/coordinate/coordinator.ts'

/** A path, or the one that a sequential create of this script gave, counted from 0. */
export type Place = string | { readonly made: number }

export type ScriptCall =
  | {
      readonly kind: 'create'
      readonly at: Place
      readonly data: string
      readonly mode: CreateMode
      readonly acl: AclName
      readonly ttlMs: number | undefined
    }
  | { readonly kind: 'set'; readonly at: Place; readonly data: string; readonly version: number }
  | { readonly kind: 'delete'; readonly at: Place; readonly version: number }
  | { readonly kind: 'check'; readonly at: Place; readonly version: number }

export type ScriptStep = { readonly client: number } & (
  | ScriptCall
  | { readonly kind: 'get' | 'exists' | 'children' | 'getAcl'; readonly at: Place }
  | { readonly kind: 'setAcl'; readonly at: Place; readonly acl: AclName; readonly version: number }
  | { readonly kind: 'multi'; readonly calls: readonly ScriptCall[] }
  /** Made one after the other without waiting. */
  | { readonly kind: 'burst'; readonly calls: readonly ScriptCall[] }
  | { readonly kind: 'watch'; readonly at: Place; readonly of: 'node' | 'tree' }
  | { readonly kind: 'watchOnce'; readonly at: Place; readonly of: 'data' | 'children' }
  | { readonly kind: 'stopWatch'; readonly number: number }
  | { readonly kind: 'reopen' }
)

export type AclName = 'default' | 'open' | 'readOnly' | 'own' | 'noDelete'

const everything = ['read', 'write', 'create', 'delete', 'admin'] as const

export const acls: Readonly<Record<Exclude<AclName, 'default'>, readonly Acl[]>> = {
  open: [{ scheme: 'world', id: 'anyone', permissions: everything }],
  readOnly: [{ scheme: 'world', id: 'anyone', permissions: ['read', 'admin'] }],
  own: [{ scheme: 'auth', id: '', permissions: everything }],
  noDelete: [{ scheme: 'world', id: 'anyone', permissions: ['read', 'write', 'create', 'admin'] }],
}

const places = ['/a', '/b', '/c', '/a/x', '/a/y', '/b/x', '/a/x/1', '/a/x/2', '/b/x/1', '/a/x/1/deep']
const oddPlaces = ['/', '/a//b', '/a/../b', 'a', '/a/']
const modes: readonly CreateMode[] = [
  'persistent',
  'persistent',
  'persistent',
  'ephemeral',
  'persistent-sequential',
  'ephemeral-sequential',
  'container',
]

export const CLIENT_COUNT = 2

export function makeScript(seed: number): readonly ScriptStep[] {
  const random = new SeededRandom(seed).split('script')
  const steps: ScriptStep[] = []
  const count = 12 + random.below(24)
  for (let i = 0; i < count; i += 1) steps.push(makeStep(random))
  return steps
}

function makeStep(random: SeededRandom): ScriptStep {
  const client = random.below(CLIENT_COUNT)
  const at = drawPlace(random)
  const version = drawVersion(random)
  const dice = random.below(100)
  if (dice < 40) return { client, ...makeCall(random, false) }
  if (dice < 44) return { client, kind: 'get', at }
  if (dice < 47) return { client, kind: 'exists', at }
  if (dice < 52) return { client, kind: 'children', at }
  if (dice < 54) return { client, kind: 'getAcl', at }
  if (dice < 58) return { client, kind: 'setAcl', at, acl: drawAcl(random), version }
  if (dice < 72) return { client, kind: 'multi', calls: makeCalls(random, true) }
  if (dice < 80) return { client, kind: 'burst', calls: makeCalls(random, false) }
  if (dice < 88) return { client, kind: 'watch', at, of: random.chance(0.5) ? 'node' : 'tree' }
  if (dice < 94) return { client, kind: 'watchOnce', at, of: random.chance(0.5) ? 'data' : 'children' }
  if (dice < 97) return { client, kind: 'stopWatch', number: random.below(6) }
  return { client, kind: 'reopen' }
}

function makeCalls(random: SeededRandom, isMulti: boolean): readonly ScriptCall[] {
  return Array.from({ length: random.below(5) }, () => makeCall(random, isMulti))
}

function makeCall(random: SeededRandom, isMulti: boolean): ScriptCall {
  const at = drawPlace(random)
  const version = drawVersion(random)
  const dice = random.below(isMulti ? 100 : 85)
  if (dice < 45) {
    const mode = modes[random.below(modes.length)] ?? 'persistent'
    const isTtl = mode.startsWith('persistent') && random.chance(0.05)
    const acl = random.chance(0.15) ? drawAcl(random) : 'default'
    return { kind: 'create', at, data: drawData(random), mode, acl, ttlMs: isTtl ? 10_000_000 : undefined }
  }
  if (dice < 62) return { kind: 'set', at, data: drawData(random), version }
  if (dice < 85) return { kind: 'delete', at, version }
  return { kind: 'check', at, version }
}

function drawPlace(random: SeededRandom): Place {
  if (random.chance(0.02)) return oddPlaces[random.below(oddPlaces.length)] ?? '/'
  if (random.chance(0.1)) return { made: random.below(4) }
  // The first ones more often, or most calls would find nothing.
  return places[Math.floor(random.next() ** 1.5 * places.length)] ?? '/a'
}

function drawVersion(random: SeededRandom): number {
  return random.chance(0.6) ? -1 : random.below(3)
}

function drawData(random: SeededRandom): string {
  return 'x'.repeat(random.below(4))
}

function drawAcl(random: SeededRandom): AclName {
  const names = ['open', 'readOnly', 'own', 'noDelete'] as const
  return names[random.below(names.length)] ?? 'open'
}
