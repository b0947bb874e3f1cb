import { expect, test } from 'vitest'
import { collectMarks, expectMark, mark } from './marks.ts'

test('a mark that was passed lets the test pass, and hands its result on', async () => {
  const body = async () => {
    await Promise.resolve()
    mark('late branch')
    return 7
  }
  expect(await expectMark('late branch', body)).toBe(7)
})

test('a mark that was not passed fails the test and tells what was', async () => {
  await expect(expectMark('a', () => mark('b'))).rejects.toThrow('mark "a" was not passed; passed: b')
  await expect(expectMark('a', () => undefined)).rejects.toThrow('passed: none')
})

test('marks outside of a collection cost nothing and are forgotten', async () => {
  mark('x')
  const { marks } = await collectMarks(() => {
    mark('y')
    mark('y')
  })
  expect([...marks]).toEqual([['y', 2]])
})

test('a body that throws leaves nothing open', async () => {
  await expect(expectMark('a', () => Promise.reject(new Error('own')))).rejects.toThrow('own')
  await expectMark('a', () => mark('a'))
})
