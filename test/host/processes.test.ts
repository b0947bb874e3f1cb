// Real processes: what a supervisor rests on. Waits are for the processes themselves, never for a time.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNodeHost } from '../../src/host/node-host.ts'
import { nodeProcesses } from '../../src/host/node-processes.ts'
import type { ChildExit, ChildProcess, SpawnSpec } from '../../src/host/processes.ts'

const host = createNodeHost()
let directory = ''
const running = new Set<ChildProcess>()

beforeAll(async () => {
  directory = await host.files.makeTemporaryDirectory('processes-')
})

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await host.files.remove(directory)
})

async function script(name: string, text: string): Promise<string> {
  const path = host.files.resolve(directory, name)
  const file = await host.files.open(path, 'create')
  await file.write(new TextEncoder().encode(text), 0)
  await file.close()
  return path
}

function start(modulePath: string, more: Partial<SpawnSpec> = {}): ChildProcess {
  const child = nodeProcesses.spawn({
    modulePath,
    args: [],
    environment: {},
    directory,
    outputPath: host.files.resolve(directory, 'output'),
    nodeOptions: [],
    isDetached: true,
    ...more,
  })
  running.add(child)
  child.onExit(() => running.delete(child))
  return child
}

const exitOf = (child: ChildProcess) => new Promise<ChildExit>((resolve) => child.onExit(resolve))

async function textOf(name: string): Promise<string> {
  const path = host.files.resolve(directory, name)
  const size = (await host.files.stat(path))?.sizeBytes ?? 0
  if (size === 0) return ''
  const file = await host.files.open(path, 'read')
  const bytes = new Uint8Array(size)
  await file.read(bytes, 0)
  await file.close()
  return new TextDecoder().decode(bytes)
}

/** Looks again until it is so; the test's own limit ends it. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise<void>((resolve) => void host.timers.after(5, resolve))
}

describe('processes', () => {
  test('a child has the environment it was given, nothing else, and its outputs are appended', async () => {
    const path = await script(
      'environment.mjs',
      `console.log(JSON.stringify([process.env, process.argv.slice(2), process.execArgv]))
       console.error('to stderr')`,
    )
    const more = { environment: { ONLY: 'this' }, args: ['a', 'b'], nodeOptions: ['--max-old-space-size=64'] }
    expect(await exitOf(start(path, more))).toEqual({ code: 0, signal: undefined })
    expect(await exitOf(start(path, more))).toEqual({ code: 0, signal: undefined })
    const lines = (await textOf('output')).trim().split('\n')
    expect(lines).toHaveLength(4)
    expect(JSON.parse(lines[0] ?? '')).toEqual([{ ONLY: 'this' }, ['a', 'b'], ['--max-old-space-size=64']])
    expect(lines[3]).toBe('to stderr')
  })

  test('exit codes and signals are told, also to who asks late', async () => {
    const code = start(await script('code.mjs', 'process.exit(73)'))
    expect(await exitOf(code)).toEqual({ code: 73, signal: undefined })
    expect(await exitOf(code)).toEqual({ code: 73, signal: undefined })
    const killed = start(await script('wait.mjs', 'setInterval(() => {}, 1000)'))
    killed.kill('SIGKILL')
    expect(await exitOf(killed)).toEqual({ code: undefined, signal: 'SIGKILL' })
    killed.kill('SIGKILL')
  })

  test('facts name a process for good, and show memory, CPU time and that it is stopped', async () => {
    const child = start(await script('wait.mjs', 'setInterval(() => {}, 1000)'))
    const facts = await nodeProcesses.facts(child.pid)
    expect(facts).toMatchObject({ pid: child.pid, bornAt: expect.stringMatching(/^\d+$/), isStopped: false })
    await until(async () => ((await nodeProcesses.facts(child.pid))?.rssBytes ?? 0) > 10e6)
    const bornAt = facts?.bornAt ?? ''
    expect(await nodeProcesses.signal(child.pid, bornAt, 'SIGSTOP')).toBe(true)
    await until(async () => (await nodeProcesses.facts(child.pid))?.isStopped === true)
    expect(await nodeProcesses.signal(child.pid, bornAt, 'SIGCONT')).toBe(true)
    await until(async () => (await nodeProcesses.facts(child.pid))?.isStopped === false)
    // Somebody else with this pid is left alone.
    expect(await nodeProcesses.signal(child.pid, `${Number(bornAt) + 1}`, 'SIGKILL')).toBe(false)
    expect((await nodeProcesses.facts(child.pid))?.bornAt).toBe(bornAt)
    expect(await nodeProcesses.signal(child.pid, bornAt, 'SIGKILL')).toBe(true)
    expect(await exitOf(child)).toEqual({ code: undefined, signal: 'SIGKILL' })
    expect(await nodeProcesses.facts(child.pid)).toBeUndefined()
    expect(await nodeProcesses.signal(child.pid, bornAt, 'SIGKILL')).toBe(false)
  })

  test('a detached child is killed with all that it started', async () => {
    await script('wait.mjs', 'setInterval(() => {}, 1000)')
    const path = await script(
      'parent.mjs',
      `import { spawn } from 'node:child_process'
       const child = spawn(process.execPath, ['wait.mjs'], { stdio: 'ignore' })
       console.log('child', child.pid)
       setInterval(() => {}, 1000)`,
    )
    const parent = start(path, { outputPath: host.files.resolve(directory, 'parent') })
    await until(async () => /child \d+/.test(await textOf('parent')))
    const pid = Number(/child (\d+)/.exec(await textOf('parent'))?.[1])
    expect(await nodeProcesses.facts(pid)).toBeDefined()
    parent.kill('SIGKILL')
    await exitOf(parent)
    await until(async () => (await nodeProcesses.facts(pid)) === undefined)
  })

  test('this process names itself as facts do', async () => {
    const facts = await nodeProcesses.facts(nodeProcesses.self.pid)
    expect(facts?.bornAt).toBe(nodeProcesses.self.bornAt)
  })

  test('another program than Node can be run; one that is not there is refused', async () => {
    const child = start('', {
      program: '/bin/sh',
      args: ['-c', 'exit 3'],
      outputPath: undefined,
      isDetached: false,
    })
    expect(await exitOf(child)).toEqual({ code: 3, signal: undefined })
    const missing = () => start('', { program: host.files.resolve(directory, 'not-there') })
    expect(missing).toThrow(expect.objectContaining({ code: 'CONNECT_FAILED' }))
  })

  test('machine and disk are sane', async () => {
    const machine = await nodeProcesses.machine()
    expect(machine.cpuCount).toBeGreaterThan(0)
    expect(machine.busyMs).toBeGreaterThan(0)
    expect(machine.memoryTotalBytes).toBeGreaterThan(machine.memoryFreeBytes)
    expect(machine.memoryFreeBytes).toBeGreaterThan(0)
    const disk = await nodeProcesses.disk(directory)
    expect(disk.totalBytes).toBeGreaterThanOrEqual(disk.freeBytes)
    expect(disk.freeBytes).toBeGreaterThan(0)
    await expect(nodeProcesses.disk('/not/there')).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
  })
})
