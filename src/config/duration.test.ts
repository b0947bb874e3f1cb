import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatBytes,
  formatDuration,
  parseByteSize,
  parseDuration,
  tryParseByteSize,
  tryParseDuration,
} from './duration.ts'
import type { Duration } from './topology-config.ts'

describe('durations', () => {
  test.each([
    ['250ms', 250],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['1.001s', 1_001],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['30d', 2_592_000_000],
    ['1e3ms', 1_000],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(tryParseDuration(text)).toBe(ms)
  })

  test.each([
    '',
    '30',
    's',
    '-1s',
    '1 s',
    '1S',
    '1sec',
    ' 1s',
    '1s ',
    'NaNs',
    'Infinitys',
    '1..5s',
    '1e999s',
    '1B',
  ])('refuses %j', (text) => {
    expect(tryParseDuration(text)).toBeUndefined()
  })

  test('names the setting, what was found and what is wanted', () => {
    // A text from outside, which is not what its type says.
    const text = '30 seconds' as Duration
    expect(() => parseDuration(text, 'idleAfter')).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID_VALUE',
        message: expect.stringContaining("idleAfter is '30 seconds'"),
        details: expect.objectContaining({ key: 'idleAfter', found: "'30 seconds'" }),
      }),
    )
  })

  test('what is formatted is read as the same number, in the greatest unit that fits', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(), fc.double({ min: 0.001, max: 1e9, noNaN: true })), (ms) => {
        const rounded = Math.round(ms * 1e6) / 1e6
        expect(parseDuration(formatDuration(rounded))).toBe(rounded)
      }),
    )
    expect([0, 1, 1_500, 90_000, 3_600_000, 172_800_000].map(formatDuration)).toEqual([
      '0s',
      '1ms',
      '1500ms',
      '90s',
      '1h',
      '2d',
    ])
  })
})

describe('sizes', () => {
  test.each([
    ['512B', 512],
    ['1.5KiB', 1_536],
    ['64MiB', 67_108_864],
    ['4GiB', 4_294_967_296],
    ['0B', 0],
  ])('%s is %d bytes', (text, bytes) => {
    expect(tryParseByteSize(text)).toBe(bytes)
  })

  test.each(['', '64', '64MB', '64 MiB', '64mib', '-1B', '1s'])('refuses %j', (text) => {
    expect(tryParseByteSize(text)).toBeUndefined()
  })

  test('what is formatted is read as the same number', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(parseByteSize(formatBytes(bytes))).toBe(bytes)
      }),
    )
    expect(formatBytes(65_536)).toBe('64KiB')
  })
})
