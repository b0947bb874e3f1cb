import { expect, test } from 'vitest'
import { LogFile } from './log-file.ts'

class FakeOut {
  readonly files = new Map<string, string>()
  isFull = false
  sizeOf(path: string): number {
    return this.files.get(path)?.length ?? 0
  }
  append(path: string, text: string): void {
    if (this.isFull) throw new Error('ENOSPC')
    this.files.set(path, (this.files.get(path) ?? '') + text)
  }
  rename(from: string, to: string): void {
    this.files.set(to, this.files.get(from) ?? '')
    this.files.delete(from)
  }
}

const line = (message: string) => ({ level: 'info' as const, at: 0, message, details: { n: 1 } })
const messages = (text: string | undefined): string[] =>
  (text ?? '')
    .split('\n')
    .filter((each) => each !== '')
    .map((each) => JSON.parse(each).msg)

test('a file that has its size makes room, and only so many are kept', () => {
  const out = new FakeOut()
  const log = new LogFile({ out, path: 'w.log', bytesMax: 200, filesMax: 3 })
  for (let n = 1; n <= 9; n += 1) log.write(line(`m${n}`))
  expect([...out.files.keys()].sort()).toEqual(['w.log', 'w.log.1', 'w.log.2'])
  expect(messages(out.files.get('w.log.2'))).toEqual(['m5', 'm6'])
  expect(messages(out.files.get('w.log.1'))).toEqual(['m7', 'm8'])
  expect(messages(out.files.get('w.log'))).toEqual(['m9'])
})

test('what was there before is kept and counted', () => {
  const out = new FakeOut()
  out.files.set('w.log', 'x'.repeat(190))
  new LogFile({ out, path: 'w.log', bytesMax: 200 }).write(line('m1'))
  expect(out.files.get('w.log.1')).toHaveLength(190)
  expect(messages(out.files.get('w.log'))).toEqual(['m1'])
})

test('a full disk costs lines, which the next one counts', () => {
  const out = new FakeOut()
  const log = new LogFile({ out, path: 'w.log' })
  out.isFull = true
  log.write(line('lost'))
  log.write(line('lost'))
  out.isFull = false
  log.write(line('m1'))
  expect(JSON.parse(out.files.get('w.log') ?? '')).toMatchObject({ msg: 'm1', lostLines: 2 })
})
