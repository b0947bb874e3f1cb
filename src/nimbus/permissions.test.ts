import { expect, test } from 'vitest'
import { actions, isAllowed, permit } from './permissions.ts'

const none = { roles: {}, admins: [] }

test('each role may do what the table says, and nothing else', () => {
  const table: Record<string, string> = {
    reader: 'look',
    operator: 'look operate',
    admin: 'look operate submit blobs beat',
    daemon: 'look blobs beat',
    stranger: '',
    constructor: '',
    __proto__x: '',
  }
  for (const [role, allowed] of Object.entries(table)) {
    const found = actions.filter((action) => isAllowed({ name: 'n', roles: [role] }, action, none))
    expect(found.join(' '), role).toBe(allowed)
  }
})

test('configuration adds roles and admins', () => {
  const rules = {
    roles: { deployer: ['look', 'submit', 'blobs'], reader: ['operate'] },
    admins: ['anna', 'ops'],
  }
  expect(isAllowed({ name: 'x', roles: ['deployer'] }, 'submit', rules)).toBe(true)
  expect(isAllowed({ name: 'x', roles: ['deployer'] }, 'operate', rules)).toBe(false)
  expect(isAllowed({ name: 'x', roles: ['reader'] }, 'operate', rules)).toBe(true)
  expect(isAllowed({ name: 'anna', roles: [] }, 'beat', rules)).toBe(true)
  expect(isAllowed({ name: 'x', roles: ['ops'] }, 'blobs', rules)).toBe(true)
})

test('a refusal names the role that is needed', () => {
  expect(() => permit({ name: 'bob', roles: ['reader'] }, 'submit', none)).toThrow(
    expect.objectContaining({ code: 'NOT_ALLOWED', message: "'bob' may not submit; the role admin may" }),
  )
})
