import { describe, expect, test } from 'vitest'
import { allowedVariables, isOptionAllowed } from './machine-launcher.ts'
import { sparesFor } from './seat/spare-pool.ts'

describe('what a topology may ask of its processes', () => {
  test('options that show or limit', () => {
    const allowed = [
      '--cpu-prof',
      '--heap-prof',
      '--heapsnapshot-signal=SIGUSR2',
      '--max-old-space-size=512',
      '--max-semi-space-size=32',
      '--stack-trace-limit=50',
      '--enable-source-maps',
    ]
    for (const option of allowed) expect(isOptionAllowed(option), option).toBe(true)
  })

  test('no option that loads, opens, or writes elsewhere', () => {
    const refused = [
      '--require=/x.js',
      '-r',
      '--import=data:text/javascript,1',
      '--loader=x',
      '--eval=1',
      '-e',
      '--inspect',
      '--inspect=0.0.0.0:9229',
      '--cpu-prof-dir=/etc',
      '--cpu-prof --require=x',
      '--max-old-space-size=512 --require=x',
      '--max-old-space-size=1\n--require=x',
      '--env-file=.env',
      '--experimental-vm-modules',
      'main.js',
      '',
    ]
    for (const option of refused) expect(isOptionAllowed(option), option).toBe(false)
  })

  test('variables, but none that changes what is loaded or is ours', () => {
    const wanted = {
      MODE: 'fast',
      lower_1: 'x',
      NODE_OPTIONS: '--require=x',
      NODE_PATH: '/x',
      LD_PRELOAD: 'x.so',
      TYPHOON_SEAT_SECRET: 'x',
      PATH: '/x',
      'A=B': 'x',
      '': 'x',
      ZERO: 'a\0b',
    }
    expect(allowedVariables(wanted)).toEqual({ MODE: 'fast', lower_1: 'x' })
  })
})

describe('which spares are kept', () => {
  const profile = (heapBytes: number) => ({ heapBytes, nodeOptions: [], environment: {} })
  const [small, middle, large] = [profile(1), profile(2), profile(3)]

  test('the usual ones where nothing runs, none if none are wanted', () => {
    expect(sparesFor([], small, 2)).toEqual([small, small])
    expect(sparesFor([large], small, 0)).toEqual([])
  })

  test('the kinds that most slots run, in turns', () => {
    const running = [small, large, large, middle, large, middle]
    expect(sparesFor(running, small, 1)).toEqual([large])
    expect(sparesFor(running, small, 4)).toEqual([large, middle, small, large])
  })
})
