// Goal: run and dev on real files and signals, as a user sees them.
import { appendFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { buildOnce, Sandbox } from './sandbox.ts'
import { following, wordCount } from './topologies.ts'

let sandbox: Sandbox

beforeAll(buildOnce)
beforeEach(() => {
  sandbox = new Sandbox()
  sandbox.write('word-count.ts', wordCount)
  sandbox.write('following.ts', following)
  sandbox.write('mark.ts', "export const mark = '-'\n")
  sandbox.write('lines.txt', 'a b\nb\n')
})
afterEach(() => sandbox.remove())

describe('run', () => {
  test('prints to stdout, all else to stderr, and ends with its sources', async () => {
    const { code, stdout, stderr } = await sandbox.typhoon('run', 'word-count.ts')
    expect(stdout.trim().split('\n').sort()).toEqual([
      '{"word":"a","count":1}',
      '{"word":"b","count":1}',
      '{"word":"b","count":2}',
    ])
    expect(stderr).toMatch(
      /^✔ word-count: all sources have ended after .*\n {2}acked 2 .*failed 0 {2}replayed 0\n$/,
    )
    expect(code).toBe(0)
  })

  test('-o json is one object, -o jsonl an object a line, printed lines among them', async () => {
    const json = await sandbox.typhoon('run', 'word-count.ts', '-o', 'json')
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 1, topology: 'word-count', acked: 2, failed: 0 })
    expect(json.stderr.split('\n').filter(Boolean)).toHaveLength(3)
    const jsonl = await sandbox.typhoon('run', 'word-count.ts', '-o', 'jsonl')
    const events: { event: string }[] = jsonl.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events.map(({ event }) => event)).toEqual(['worker-started', 'print', 'print', 'print', 'ended'])
  })

  test('a signal drains, the next run goes on where it stopped, --fresh begins anew', async () => {
    const first = sandbox.start(['run', 'following.ts'])
    await first.says('b-2')
    first.signal('SIGTERM')
    const ended = await first.ended
    expect(ended.stdout.trim().split('\n').sort()).toEqual([
      '{"text":"a-1"}',
      '{"text":"b-1"}',
      '{"text":"b-2"}',
    ])
    expect(ended.stderr).toContain('✔ following: stopped')
    expect(ended.code).toBe(143)
    expect(readdirSync(join(sandbox.directory, 'typhoon-local', 'following'))).not.toEqual([])

    const second = sandbox.start(['run', 'following.ts'])
    await second.says('lines resumes lines.txt at byte 6, line 2: 2 are done, what was read after')
    await second.says('state of count begins empty')
    appendFileSync(join(sandbox.directory, 'lines.txt'), 'c\n')
    await second.says('c-1')
    second.signal('SIGINT')
    const { code, stdout } = await second.ended
    expect([code, stdout]).toEqual([130, '{"text":"c-1"}\n'])

    const third = sandbox.start(['run', 'following.ts', '--fresh'])
    await third.says('c-1')
    third.signal('SIGTERM')
    const fresh = await third.ended
    expect(fresh.stderr).not.toContain('resumes')
    expect(fresh.stderr).not.toContain('begins empty')
    expect(fresh.stdout.trim().split('\n')).toHaveLength(4)
  })

  test("a second run beside it is refused; one that was killed is in nobody's way", async () => {
    const first = sandbox.start(['run', 'following.ts'])
    await first.says('b-2')
    const beside = await sandbox.typhoon('run', 'following.ts')
    expect(beside.stderr).toContain('E4047 DIRECTORY_IN_USE')
    expect(beside.stderr).toMatch(/following is in use by another run, process \d+/)
    expect(beside.code).toBe(5)
    const elsewhere = await sandbox.typhoon('run', 'following.ts', '--directory', 'other', '--for', '50ms')
    expect(elsewhere.code).toBe(0)
    first.signal('SIGKILL')
    await first.ended
    const next = await sandbox.typhoon('run', 'following.ts', '--for', '50ms')
    expect(next.code).toBe(0)
  })

  test('a directory in which nothing can be written is warned of, and the run goes on', async () => {
    // Nobody makes a directory there, not even root: EPERM, EACCES or EROFS.
    const argv = ['run', 'following.ts', '--directory', '/sys/nowhere', '--for', '50ms']
    const { code, stdout, stderr } = await sandbox.typhoon(...argv)
    expect(stderr).toContain('no other run is kept away from its positions: file /sys/nowhere/following')
    expect(stderr).toContain('restart positions were not stored')
    expect(stdout).toContain('b-2')
    expect(code).toBe(0)
  })

  test('--for ends in good order; a line is said after a second', async () => {
    const { code, stderr } = await sandbox.typhoon('run', 'following.ts', '--for', '1500ms')
    expect(stderr).toMatch(/0:01 {2}following active {2}acked 2 /)
    expect(stderr).toContain('✔ following: time is over after 1.5')
    expect(code).toBe(0)
  })

  test('a second signal ends at once', async () => {
    sandbox.write(
      'stuck.ts',
      wordCount.replace(
        "for (const word of tuple.values.sentence.split(' ')) out.emit({ word })",
        'return new Promise<void>(() => { void out })',
      ),
    )
    const running = sandbox.start(['run', 'stuck.ts'])
    await running.says('acked 0')
    running.signal('SIGINT')
    await running.says('again to end at once')
    running.signal('SIGINT')
    const { code, stderr } = await running.ended
    expect(code).toBe(130)
    expect(stderr).toMatch(/\nended at once, \d+ tuples? in flight\n$/)
  })

  test('the topology by its name, with arguments and the configuration of the project', async () => {
    sandbox.write(
      'src/args.ts',
      wordCount
        .replace("name: 'word-count',", "name: 'named', args: fields({ only: 'string' }),")
        // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
        .replace('build(builder) {', 'build(builder, args) {\n    console.error(`only ${args.only}`)'),
    )
    sandbox.write(
      'typhoon.config.ts',
      "import { defineConfig } from 'typhoon/config'\n" +
        "export default defineConfig({ topologies: { named: './src/args.ts' } })\n",
    )
    const { code, stderr } = await sandbox.typhoon('run', 'named', '--', '--only', 'this')
    expect(stderr).toContain('only this')
    expect(code).toBe(0)
    const missing = await sandbox.typhoon('run', 'named')
    expect(missing.stderr).toContain('E1018 ARGS_INVALID')
    expect(missing.code).toBe(2)
  })

  test('enums, imports without extension and types imported as values are bundled', async () => {
    sandbox.write('shapes.ts', 'export interface Shape { a: number }\nexport enum Kind { A = 1 }\n')
    const extra =
      "import { Shape, Kind } from './shapes'\n" +
      'const shape: Shape = { a: Kind.A }\nif (shape.a !== 1) throw shape\n'
    sandbox.write('enum.ts', extra + wordCount)
    expect(await sandbox.typhoon('run', 'enum.ts', '-o', 'json')).toMatchObject({ code: 0 })
  })
})

describe('dev', () => {
  test('a saved import reloads and keeps state and position; a wrong one changes nothing', async () => {
    const running = sandbox.start(['dev', 'following.ts'])
    await running.says('b-2')
    sandbox.write('mark.ts', "export const mark = '+'\n")
    await running.says('kept: state seen of count (2 keys), position of lines')
    appendFileSync(join(sandbox.directory, 'lines.txt'), 'b\n')
    await running.says('b+3')

    sandbox.write('mark.ts', 'export const mark = \n')
    await running.says('the version before runs on')
    appendFileSync(join(sandbox.directory, 'lines.txt'), 'b\n')
    await running.says('b+4')

    sandbox.write('mark.ts', "export const mark = '*'\n")
    await running.says('✎ mark.ts saved → reloaded', 2)
    appendFileSync(join(sandbox.directory, 'lines.txt'), 'b\n')
    await running.says('b*5')
    running.signal('SIGTERM')
    const { code, stderr } = await running.ended
    expect(stderr).toContain('mark.ts:2:1')
    expect(code).toBe(143)
  })

  test('a first version that is wrong waits for a better one', async () => {
    sandbox.write('mark.ts', 'export const mark = \n')
    const running = sandbox.start(['dev', 'following.ts'])
    await running.says('does not compile')
    sandbox.write('mark.ts', "export const mark = '-'\n")
    await running.says('b-2')
    running.signal('SIGTERM')
    expect((await running.ended).code).toBe(143)
  })
})
