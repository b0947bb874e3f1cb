/**
 * Who may do what: the one place where it is decided.
 *
 *              look   operate   submit   blobs   beat
 *   reader      ×
 *   operator    ×        ×
 *   admin       ×        ×         ×       ×       ×
 *   daemon      ×                          ×       ×
 *
 * `security.roles` names further roles with the actions they allow, `nimbus.admins` users and roles that
 * may do everything. What is not listed is refused.
 */
import { UsageError } from '../base/errors.ts'
import type { Caller } from '../rpc/nimbus-api.ts'
import type { Action } from '../rpc/routes/route.ts'

export const actions: readonly Action[] = ['look', 'operate', 'submit', 'blobs', 'beat']

const built: Readonly<Record<string, readonly Action[]>> = {
  reader: ['look'],
  operator: ['look', 'operate'],
  admin: actions,
  daemon: ['look', 'blobs', 'beat'],
}

export interface Rules {
  readonly roles: Readonly<Record<string, readonly string[]>>
  readonly admins: readonly string[]
}

export function isAllowed(caller: Caller, action: Action, rules: Rules): boolean {
  if (rules.admins.includes(caller.name)) return true
  return caller.roles.some((role) => {
    if (rules.admins.includes(role)) return true
    // Own properties only: a role called `constructor` is nobody.
    const known = Object.hasOwn(built, role) ? (built[role] ?? []) : []
    const added = Object.hasOwn(rules.roles, role) ? (rules.roles[role] ?? []) : []
    return [...known, ...added].includes(action)
  })
}

/** @throws UsageError NOT_ALLOWED */
export function permit(caller: Caller, action: Action, rules: Rules): void {
  if (isAllowed(caller, action, rules)) return
  const roles = Object.entries(built).flatMap(([role, allowed]) => (allowed.includes(action) ? [role] : []))
  const text = `'${caller.name.slice(0, 100)}' may not ${action}; the role ${roles.join(' or ')} may`
  throw new UsageError('NOT_ALLOWED', text, { action })
}
