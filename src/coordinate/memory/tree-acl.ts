/**
 * Access lists, as far as the contract goes: `world`, `digest` and `auth`; entries of other schemes are kept
 * and match nobody.
 */
import type { Acl } from '../coordinator.ts'
import { sha1 } from './sha1.ts'

export type Permission = Acl['permissions'][number]

/** Who a session has proved to be: ids of scheme `digest`. */
export type Identities = readonly string[]

const everything: readonly Permission[] = ['read', 'write', 'create', 'delete', 'admin']

export const OPEN_ACL: readonly Acl[] = [{ scheme: 'world', id: 'anyone', permissions: everything }]

/** `user:base64(sha1(user:password))`: what a server makes of credentials. */
export function digestId(user: string, password: string): string {
  const digest = sha1(new TextEncoder().encode(`${user}:${password}`))
  return `${user}:${btoa(String.fromCharCode(...digest))}`
}

export function isAllowed(acl: readonly Acl[], permission: Permission, who: Identities): boolean {
  return acl.some((entry) => entry.permissions.includes(permission) && isMeant(entry, who))
}

function isMeant(entry: Acl, who: Identities): boolean {
  if (entry.scheme === 'world') return entry.id === 'anyone'
  return entry.scheme === 'digest' && who.includes(entry.id)
}

/**
 * The list as it is stored: `auth` stands for everything that its maker has proved to be. undefined: it
 * cannot be, because it is empty or means nobody.
 */
export function storedAcl(acl: readonly Acl[], maker: Identities): readonly Acl[] | undefined {
  if (acl.length === 0) return undefined
  const stored: Acl[] = []
  for (const entry of acl) {
    if (entry.scheme !== 'auth') {
      stored.push({ ...entry, permissions: everything.filter((each) => entry.permissions.includes(each)) })
      continue
    }
    if (maker.length === 0) return undefined
    for (const id of maker) stored.push({ scheme: 'digest', id, permissions: [...entry.permissions] })
  }
  return stored
}
