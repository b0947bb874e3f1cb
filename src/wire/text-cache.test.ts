import { describe, expect, it } from 'vitest'
import { CACHED_TEXT_MAX, TextCache } from './text-cache.ts'

const encoder = new TextEncoder()

/** Finds `text` between other bytes, as in a frame. */
function find(cache: TextCache, text: string): string {
  const bytes = encoder.encode(`<${text}>`)
  return cache.find(bytes, 1, bytes.length - 2)
}

describe('TextCache', () => {
  it('gives texts of every length back as they are, new and known', () => {
    const cache = new TextCache()
    for (let round = 0; round < 2; round += 1) {
      for (let length = 0; length <= CACHED_TEXT_MAX; length += 1) {
        const text = 'The quick brown fox jumps over 13 lazy dogs'.slice(0, length)
        expect(find(cache, text)).toBe(text)
      }
    }
  })

  it('tells texts apart by each of their bytes', () => {
    const cache = new TextCache()
    for (let length = 1; length <= CACHED_TEXT_MAX; length += 1) {
      const text = 'a'.repeat(length)
      find(cache, text)
      for (let at = 0; at < length; at += 1) {
        const other = `${text.slice(0, at)}b${text.slice(at + 1)}`
        expect(find(cache, other)).toBe(other)
        expect(find(cache, text)).toBe(text)
      }
    }
  })

  it('tells texts apart that are the same ends at other lengths', () => {
    const cache = new TextCache()
    const texts = [
      '',
      '\0',
      '\0\0',
      '\0\0\0',
      'a',
      'aa',
      'aaa',
      'aaaa',
      'aaaaa',
      'abab',
      'ababab',
      'abababab',
    ]
    for (let round = 0; round < 3; round += 1) {
      for (const text of texts) expect(find(cache, text)).toBe(text)
    }
  })

  it('never takes other bytes for an ASCII text', () => {
    const cache = new TextCache()
    for (const text of ['é', 'ée', 'naïve', '日本', '😀', 'a\u2019s', 'Ünïcödé über alles und mehr']) {
      expect(find(cache, text)).toBe(text)
      expect(find(cache, text)).toBe(text)
    }
    expect(() => cache.find(Uint8Array.of(0x61, 0xff, 0x61), 0, 3)).toThrow(/not UTF-8/)
  })

  it('goes on being right with many more texts than it keeps', () => {
    const cache = new TextCache()
    for (let round = 0; round < 2; round += 1) {
      for (let n = 0; n < 20_000; n += 1) expect(find(cache, `word-${n}`)).toBe(`word-${n}`)
    }
  })
})
