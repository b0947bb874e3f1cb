// Health checks with real scripts. Goal: what fails is named, and nothing of a script that hangs runs on:
// neither the script nor what it has started.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import type { Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { nodeProcesses } from '../../src/host/node-processes.ts'
import { HealthChecks } from '../../src/supervisor/node/health-checks.ts'

const host: Host = createNodeHost()
let directory = ''

/** Says who it is and whom it has started, then waits. Ends by itself, should the test be killed. */
const HANGS = `#!/bin/sh
sleep 300 &
echo $$ $!
wait
`

beforeAll(async () => {
  directory = await host.files.makeTemporaryDirectory('health-checks-')
})

afterAll(() => host.files.remove(directory))

const path = (...parts: readonly string[]) => host.files.resolve(directory, ...parts)

async function writeScript(folder: string, name: string, text: string, isProgram = true): Promise<void> {
  await host.files.makeDirectory(path(folder))
  const file = await host.files.open(path(folder, name), 'create')
  await file.write(new TextEncoder().encode(text), 0)
  await file.close()
  if (!isProgram) return
  const chmod = nodeProcesses.spawn({
    modulePath: '',
    program: '/bin/chmod',
    args: ['+x', path(folder, name)],
    environment: {},
    directory,
    outputPath: undefined,
    nodeOptions: [],
    isDetached: false,
  })
  await new Promise((resolve) => chmod.onExit(resolve))
}

function makeChecks(folder: string, timeoutMs: number): HealthChecks {
  return new HealthChecks({
    host,
    processes: nodeProcesses,
    log: silentLogger,
    directory: path(folder),
    outputDirectory: path(`${folder}-output`),
    environment: { PATH: '/usr/bin:/bin' },
    timeoutMs,
  })
}

/** Of the script that hangs and of what it has started, as far as it has said so. */
async function pidsOf(folder: string): Promise<readonly number[]> {
  const name = path(`${folder}-output`, 'hangs.out')
  if ((await host.files.stat(name)) === undefined) return []
  const file = await host.files.open(name, 'read')
  const bytes = new Uint8Array(100)
  const text = new TextDecoder().decode(bytes.subarray(0, await file.read(bytes, 0)))
  await file.close()
  return text.endsWith('\n') ? text.trim().split(' ').map(Number) : []
}

/** Looks again until it is so; the test's own limit ends it. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise<void>((resolve) => void host.timers.after(5, resolve))
}

async function areGone(pids: readonly number[]): Promise<boolean> {
  return (await Promise.all(pids.map((pid) => nodeProcesses.facts(pid)))).every(
    (facts) => facts === undefined,
  )
}

describe('health checks', () => {
  test('what fails, prints an error, hangs or is no program is named, and what hangs is killed', async () => {
    await writeScript('checks', 'fine', '#!/bin/sh\necho all well\n')
    await writeScript('checks', 'fails', '#!/bin/sh\nexit 1\n')
    await writeScript('checks', 'says', '#!/bin/sh\necho ERROR disk is slow\n')
    await writeScript('checks', 'hangs', HANGS)
    await writeScript('checks', 'text', 'no program', false)
    const checks = makeChecks('checks', 2_000)
    await checks.round()
    expect(checks.failedChecks).toEqual(['fails', 'hangs', 'says', 'text'])
    const pids = await pidsOf('checks')
    expect(pids).toHaveLength(2)
    await until(() => areGone(pids))
  })

  test('stop kills what runs, and begins nothing more', async () => {
    await writeScript('stopped', 'hangs', HANGS)
    await writeScript('stopped', 'later', '#!/bin/sh\necho begun\n')
    const checks = makeChecks('stopped', 50_000)
    const round = checks.round()
    await until(async () => (await pidsOf('stopped')).length === 2)
    const pids = await pidsOf('stopped')
    expect(await areGone(pids)).toBe(false)
    checks.stop()
    await round
    await until(() => areGone(pids))
    expect(await host.files.stat(path('stopped-output', 'later.out'))).toBeUndefined()
    expect(checks.failedChecks).toEqual([])
  })
})
