import { testDriver } from 'typhoon/testing'
import { describe, expect, test } from 'vitest'
import { expectedOf, runExample } from '../run-example.ts'
import { bytesOfNet, ticksOfStat } from './machine.ts'
import { alertText, monitoring } from './topology.ts'

describe('alerts', () => {
  test('are raised once when a figure leaves its range, and cleared once when it is back', async () => {
    await using driver = await testDriver(monitoring)
    let at = 0
    const push = async (...values: number[]) => {
      for (const value of values) {
        at += 250
        await driver.push((handles) => handles.samples, { metric: 'cpu', value, at })
      }
    }
    await push(...Array.from({ length: 40 }, (_, i) => 0.2 + 0.01 * (i % 3)))
    expect(driver.read((handles) => handles.alerts)).toEqual([])
    await push(0.9, 0.9)
    await push(...Array.from({ length: 40 }, () => 0.2))
    const alerts = driver.read((handles) => handles.alerts)
    expect(alerts.map(({ metric, event }) => [metric, event])).toEqual([
      ['cpu', 'raised'],
      ['cpu', 'cleared'],
    ])
    expect(alerts[0]).toMatchObject({ value: 0.9, at: 41 * 250 })
    expect(alerts[0]?.usual).toBeCloseTo(0.21, 1)
  })

  test('are not raised before twenty samples have taught it what is usual', async () => {
    await using driver = await testDriver(monitoring)
    for (let n = 0; n < 19; n += 1) {
      await driver.push((handles) => handles.samples, { metric: 'cpu', value: n % 2 === 0 ? 0 : 100, at: n })
    }
    expect(driver.read((handles) => handles.alerts)).toEqual([])
  })

  test('say that a figure has not come for ten seconds', async () => {
    await using driver = await testDriver(monitoring)
    await driver.push((handles) => handles.samples, { metric: 'net-in', value: 5, at: 0 })
    await driver.advance('9s')
    expect(driver.read((handles) => handles.alerts)).toEqual([])
    await driver.advance('2s')
    expect(driver.read((handles) => handles.alerts)).toEqual([
      { metric: 'net-in', event: 'silent', value: 0, usual: 5, at: 10_000 },
    ])
  })
})

test('the board shows the latest figures every two seconds', async () => {
  await using driver = await testDriver(monitoring)
  await driver.push(
    (handles) => handles.samples,
    { metric: 'cpu', value: 0.5, at: 0 },
    { metric: 'cpu', value: 0.25, at: 1 },
    { metric: 'net-in', value: 4_096, at: 1 },
  )
  await driver.advance('2s')
  expect(driver.read((handles) => handles.figures)).toEqual([{ text: 'cpu 25 %  net-in 4 KiB/s', at: 2_000 }])
})

describe('what Linux tells', () => {
  test('busy are all ticks but idle and waiting for disks', () => {
    const stat = 'cpu  10 1 5 80 4 0 2 0 0 0\ncpu0 5 0 0 0 0 0 0 0 0 0\n'
    expect(ticksOfStat(stat)).toEqual({ busyTicks: 18, allTicks: 102 })
  })

  test('bytes are summed over interfaces', () => {
    const head = 'Inter-|   Receive\n face |bytes    packets\n'
    const lo = '    lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0\n'
    const net = `${head}${lo}  eth0: 900 9 0 0 0 0 0 0 50 1 0 0 0 0 0 0\n`
    expect(bytesOfNet(net)).toEqual({ receivedBytes: 1_000, sentBytes: 150 })
    expect(bytesOfNet(undefined)).toEqual({ receivedBytes: undefined, sentBytes: undefined })
  })
})

test('an alert says what is unusual, that it is over, or that nothing comes', () => {
  const alert = { metric: 'cpu', value: 0.9, usual: 0.2, at: 0 }
  expect(alertText({ ...alert, event: 'raised' })).toBe('▲ cpu 90 %, usually 20 %')
  expect(alertText({ ...alert, event: 'cleared', value: 0.25 })).toBe('▼ cpu 25 % again')
  expect(alertText({ ...alert, event: 'silent' })).toBe('? cpu is silent, usually 20 %')
})

test('typhoon run watches this machine until its time is over', () => {
  const { status, stdout } = runExample('server-monitoring', '--for', '3s', '--', '--every-ms', '100')
  // Outside of Linux there is no network to be seen.
  const formOf = (line: string) => line.replace(/[\d.]+/g, '0').replace(/ {2}net-(in|out) 0 KiB\/s/g, '')
  const figuresLine = (text: string) => formOf(text.split('\n').find((line) => line.includes('memory')) ?? '')
  expect(figuresLine(stdout)).toBe(figuresLine(expectedOf('server-monitoring')))
  expect(status).toBe(0)
})
