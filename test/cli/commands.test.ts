// Goal: every command that runs nothing says what it should, where it should, and ends with the right code.
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildOnce, Sandbox } from './sandbox.ts'
import { wordCount, wrong } from './topologies.ts'

const sandbox = new Sandbox()

beforeAll(() => {
  buildOnce()
  sandbox.write('src/word-count.ts', wordCount)
  sandbox.write('src/wrong.ts', wrong)
})
afterAll(() => sandbox.remove())

describe('check', () => {
  test('a topology that is right', async () => {
    const { code, stdout, stderr } = await sandbox.typhoon('check', 'src/word-count.ts')
    expect(stdout).toBe('✔ src/word-count.ts  word-count  4 components, 8 tasks (+ 1 acker), at-least-once\n')
    expect([code, stderr]).toEqual([0, ''])
  })

  test('all that is wrong, each with code, place and fix', async () => {
    const { code, stdout } = await sandbox.typhoon('check', 'src/wrong.ts')
    await expect(stdout).toMatchFileSnapshot('golden/check.txt')
    expect(code).toBe(1)
  })

  test('the same for programs, places taken apart', async () => {
    const { code, stdout } = await sandbox.typhoon('check', 'src/wrong.ts', '-o', 'json')
    await expect(stdout).toMatchFileSnapshot('golden/check-json.txt')
    expect(code).toBe(1)
  })

  test('warnings fail with --strict only', async () => {
    sandbox.write(
      'src/clock.ts',
      wordCount.replace('counts.set(word, count)', 'counts.set(word, count); Date.now()'),
    )
    expect((await sandbox.typhoon('check', 'src/clock.ts')).code).toBe(0)
    expect((await sandbox.typhoon('check', 'src/clock.ts', '--strict')).code).toBe(1)
  })

  test('configuration from outside is part of it', async () => {
    const { code, stdout } = await sandbox.typhoon(
      'check',
      'src/word-count.ts',
      '-c',
      'topology.workers=many',
    )
    expect(stdout).toContain('E2002 CONFIG_INVALID_VALUE')
    expect(code).toBe(1)
  })
})

describe('graph', () => {
  test('as text', async () => {
    const { stdout } = await sandbox.typhoon('graph', 'src/word-count.ts')
    expect(stdout).toMatchInlineSnapshot(`
      "word-count
      ┌──────────┐             ┌──────────┐                  ┌──────────┐            ┌──────────┐
      │ lines ×1 ├── shuffle ─▶│ split ×2 ├── fields(word) ─▶│ count ×4 ├── global ─▶│ print ×1 │
      └──────────┘             └──────────┘                  └──────────┘            └──────────┘
      "
    `)
  })

  test('as Mermaid, Graphviz, SVG and JSON', async () => {
    const drawn = async (form: string) =>
      (await sandbox.typhoon('graph', 'src/word-count.ts', '-f', form)).stdout
    expect(await drawn('mermaid')).toContain('c1 -->|"shuffle"| c2')
    expect(await drawn('dot')).toContain('"split" -> "count" [label="fields(word)"]')
    expect(await drawn('svg')).toMatch(/^<svg [\s\S]*<\/svg>\n$/)
    const document: unknown = JSON.parse(await drawn('json'))
    expect(document).toMatchObject({
      version: 1,
      name: 'word-count',
      components: { count: { form: 'basic' } },
    })
  })
})

describe('explain', () => {
  test('an error code, by number or name', async () => {
    const [byNumber, byName] = await Promise.all([
      sandbox.typhoon('explain', 'E1004'),
      sandbox.typhoon('explain', 'unknown-field'),
    ])
    expect(byNumber.stdout).toMatchInlineSnapshot(`
      "E1004 UNKNOWN_FIELD
        A grouping names a field that the stream does not have.
        fix   Use one of the fields in the message.
        acts  you: fix the call, the topology or the configuration
        retry no
      "
    `)
    expect(byName.stdout).toBe(byNumber.stdout)
  })

  test('a warning of check', async () => {
    expect((await sandbox.typhoon('explain', 'wall-clock')).stdout).toContain('Use context.now()')
  })

  test('a configuration key', async () => {
    const { stdout } = await sandbox.typhoon('explain', 'maxSpoutPending', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'key',
      name: 'topology.max.spout.pending',
      default: 1000,
    })
  })

  test('what does not exist is 3, with the nearest', async () => {
    const { code, stderr } = await sandbox.typhoon('explain', 'unknwon-field')
    expect([code, stderr]).toMatchInlineSnapshot(`
      [
        3,
        "error there is no error code and no configuration key 'unknwon-field'
        fix   did you mean UNKNOWN_FIELD?
      ",
      ]
    `)
  })
})

describe('config explain', () => {
  test('every layer that said something, the last one holds', async () => {
    sandbox.write('project/typhoon.config.ts', 'export default { config: { messageTimeout: "45s" } }')
    const inProject = new Sandbox()
    inProject.write('typhoon.config.ts', "export default { config: { messageTimeout: '45s' } }")
    const running = inProject.start(
      ['config', 'explain', 'messageTimeout', '-c', 'topology.message.timeout.secs=7'],
      {
        TYPHOON_TOPOLOGY_MESSAGE_TIMEOUT_SECS: '20',
      },
    )
    const { code, stdout } = await running.ended
    inProject.remove()
    expect(stdout.slice(stdout.indexOf('\n\n') + 2)).toMatchInlineSnapshot(`
      "   default                                              30
         environment (TYPHOON_TOPOLOGY_MESSAGE_TIMEOUT_SECS)  20
         project (typhoon.config.ts)                          45
      ▶  command line                                         7   holds
      "
    `)
    expect(stdout).toContain('topology.message.timeout.secs = 7 s')
    expect(code).toBe(0)
  })

  test('without a key: all that is set', async () => {
    const { stdout } = await sandbox.typhoon('config', 'explain', '-c', 'topology.workers=2')
    expect(stdout).toMatchInlineSnapshot(`
      "KEY               VALUE  SAID BY
      topology.workers  2      command line
      "
    `)
  })
})

describe('typhoon.yaml in the directory', () => {
  const bad = 'ui.port: 8081\ntopology.wokers: 2\n'

  test('gives topologies their defaults; keys of daemons in it are none of theirs', async () => {
    const place = new Sandbox()
    place.write('word-count.ts', wordCount)
    place.write('typhoon.yaml', 'nimbus.seeds: [n1]\ntopology.workers: 2\n')
    const run = await place.typhoon('run', 'word-count.ts', '-o', 'jsonl')
    const explain = await place.typhoon('config', 'explain')
    place.remove()
    expect(run.code).toBe(0)
    expect(run.stdout.match(/"worker-started"/g)).toHaveLength(2)
    expect(explain.stdout).toMatch(/^topology\.workers +2 +file \(typhoon\.yaml:2:1\)$/m)
  })

  test('loses against what the topology says itself', async () => {
    const place = new Sandbox()
    place.write('own.ts', wordCount.replace("name: 'word-count',", "name: 'own', config: { workers: 1 },"))
    place.write('typhoon.yaml', 'topology.workers: 2\n')
    const run = await place.typhoon('run', 'own.ts', '-o', 'jsonl')
    place.remove()
    expect(run.stdout.match(/"worker-started"/g)).toHaveLength(1)
  })

  test('with an unknown key is refused by whoever reads it', async () => {
    const place = new Sandbox()
    place.write('word-count.ts', wordCount)
    place.write('typhoon.yaml', bad)
    const ended = await Promise.all(
      [['run', 'word-count.ts'], ['check', 'word-count.ts'], ['config', 'explain'], ['doctor']].map((words) =>
        place.typhoon(...words),
      ),
    )
    place.remove()
    for (const { code, stdout, stderr } of ended) {
      expect(code).not.toBe(0)
      expect(stdout + stderr).toContain('typhoon.yaml:2:1')
      expect(stdout + stderr).toContain('did you mean topology.workers')
    }
  })
})

describe('doctor', () => {
  test('looks at everything, and ends with 1 where something fails', async () => {
    const good = await sandbox.typhoon('doctor', '-o', 'json')
    const { ok, checks }: { ok: boolean; checks: { name: string; state: string }[] } = JSON.parse(good.stdout)
    expect([ok, good.code]).toEqual([true, 0])
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'node',
        'typhoon',
        'typescript',
        'source maps',
        'project',
        'configuration',
        'disk',
        'memory',
      ]),
    )
    const broken = new Sandbox()
    broken.write('typhoon.config.ts', "export default { topologies: { a: './nowhere.ts' } }")
    const bad = await broken.typhoon('doctor')
    broken.remove()
    expect(bad.stdout).toContain(
      'fail  project         the topology a is at ./nowhere.ts, where there is no file',
    )
    expect(bad.code).toBe(1)
  })
})

test('version', async () => {
  expect((await sandbox.typhoon('version')).stdout).toMatch(/^typhoon \d+\.\d+\.\d+ {2}node \d+/)
  expect((await sandbox.typhoon('--version')).stdout).toMatch(/^typhoon /)
})

test('the script for bash is understood by bash, and completes', async () => {
  const { stdout } = await sandbox.typhoon('completion', 'bash')
  const completed = (words: string): string => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is bash's
    const call = 'COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _typhoon; echo "${COMPREPLY[@]}"'
    const script = `${stdout}\nCOMP_WORDS=(${words}); ${call}`
    return execFileSync('bash', ['-c', script], { encoding: 'utf8', cwd: sandbox.directory }).trim()
  }
  expect(completed('typhoon gr')).toBe('graph')
  expect(completed('typhoon graph --format m')).toBe('mermaid')
  expect(completed('typhoon config ex')).toBe('explain')
  expect(completed('typhoon run sr')).toBe('src')
})
