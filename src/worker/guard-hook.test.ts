import { expect, test } from 'vitest'
import { guardHook } from './guard-hook.ts'

test('members that are absent stay absent, those that throw are reported, and each sees its hook', () => {
  const errors: unknown[] = []
  const hook = {
    seen: [] as string[],
    emit(tuple: { readonly stream: string }) {
      this.seen.push(tuple.stream)
    },
    ack() {
      throw new TypeError('no')
    },
  }
  const guarded = guardHook(hook, (error) => errors.push(error))
  expect(Object.keys(guarded).sort()).toEqual(['ack', 'emit'])
  guarded.emit?.({ stream: 'default', values: {} })
  guarded.ack?.({} as never)
  expect(hook.seen).toEqual(['default'])
  expect(errors).toMatchObject([{ message: 'no' }])
})
