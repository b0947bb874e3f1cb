import { assert } from './assert.ts'

/**
 * Keeps members out of whatever shows an object: `console.log`, JSON, copies by spread, loggers of users. For
 * objects that are given to programs of others and hold a token somewhere inside.
 */
export function hide(from: object, ...members: readonly string[]): void {
  for (const member of members) {
    assert(Object.hasOwn(from, member), `there is no ${member} to hide`)
    Object.defineProperty(from, member, { enumerable: false })
  }
}
