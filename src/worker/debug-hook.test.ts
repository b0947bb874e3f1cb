// Goal: every call leaves a line with what it was about, and no value can make it fail.
import { describe, expect, test } from 'vitest'
import type { Logger } from '../topology/context.ts'
import type { TaskHook } from '../topology/hook.ts'
import type { AnyValues, Tuple } from '../topology/tuple.ts'
import { debugHook } from './debug-hook.ts'

class Lines {
  readonly lines: string[] = []
  readonly hook: TaskHook

  constructor() {
    const info: Logger['info'] = (message, details) => {
      this.lines.push(`${message} ${JSON.stringify(details ?? {})}`)
    }
    const none = (): void => undefined
    this.hook = debugHook({ debug: none, info, warn: none, error: none })
  }

  textOf(values: AnyValues): string {
    this.lines.length = 0
    this.hook.emit?.({ stream: 'words', values })
    const { values: text }: { values: string } = JSON.parse(
      this.lines[0]?.slice('emit to words '.length) ?? '',
    )
    return text
  }
}

describe('the debug hook', () => {
  test('writes a line for everything a task does', () => {
    const { hook, lines } = new Lines()
    const part: Partial<Tuple> = { sourceComponent: 'split', sourceStream: 'words', values: { word: 'a' } }
    const tuple = part as Tuple
    const failure = { reason: 'error', component: 'split', message: undefined, failedBefore: 0 } as const
    hook.emit?.({ stream: 'words', values: { word: 'a' } })
    hook.execute?.(tuple, 1)
    hook.ack?.(tuple)
    hook.fail?.(tuple, { ...failure, message: 'no' })
    hook.spoutAck?.('id', 1)
    hook.spoutFail?.('id', failure)
    expect(lines).toMatchInlineSnapshot(`
      [
        "emit to words {"values":"{\\"word\\":\\"a\\"}"}",
        "execute of split:words {"values":"{\\"word\\":\\"a\\"}"}",
        "ack {}",
        "fail {"reason":"error","message":"no"}",
        "tree acked {}",
        "tree failed {"reason":"error","message":""}",
      ]
    `)
  })

  test('shows values that JSON does not know', () => {
    const lines = new Lines()
    expect(lines.textOf({ n: 12n })).toBe('{"n":"12n"}')
    expect(lines.textOf({ bytes: new Uint8Array(3) })).toBe('{"bytes":"3 bytes"}')
    expect(lines.textOf({ seen: new Map([['a', new Set([1])]]) })).toBe('{"seen":[["a",[1]]]}')
  })

  test('cuts long values', () => {
    const text = new Lines().textOf({ line: 'x'.repeat(1_000) })
    expect(text).toHaveLength(201)
    expect(text.endsWith('…')).toBe(true)
  })

  test('throws at no value', () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    const odd = {
      toJSON() {
        throw new Error('never')
      },
    }
    expect(new Lines().textOf({ circle })).toMatch(/^not to be shown: /)
    expect(new Lines().textOf({ odd })).toBe('not to be shown: never')
  })
})
