// Goal: every command about a cluster says what it should, in tables and as JSON, and ends with the right
// code. Method: run in this process against a fake Nimbus behind the real API.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConflictError, UnavailableError } from '../../src/base/errors.ts'
import { commandNames } from '../../src/cli/command-list.ts'
import { commandTable } from '../../src/cli/command-table.ts'
import { TOPOLOGY_NAME_RULE } from '../../src/topology/topology-name.ts'
import { makeTokens, tokenOf } from '../rpc/api-world.ts'
import { digestA } from '../rpc/sample-calls.ts'
import { ClusterShell } from './cluster-shell.ts'
import { wordCount } from './topologies.ts'

let shell: ClusterShell
beforeEach(async () => {
  shell = await ClusterShell.open()
})
afterEach(() => shell.close())

test('every command of the table is done by somebody, and none else is', () => {
  expect([...commandNames].sort()).toEqual(commandTable.map(({ name }) => name).sort())
})

describe('what is looked at', () => {
  const looks: readonly (readonly string[])[] = [
    ['list'],
    ['status', 'word-count'],
    ['describe', 'word-count'],
    ['describe', 'word-count/count'],
    ['top', 'word-count'],
    ['logs', 'word-count'],
    ['logs', 'word-count', '--level', 'warn'],
    ['logs', 'word-count/split'],
    ['logs', 'word-count', '--grep', 'of pri'],
    ['errors', 'word-count'],
    ['events'],
    ['cluster', 'status'],
    ['cluster', 'nodes'],
    ['cluster', 'slots'],
    ['zk', 'ls', '/'],
    ['zk', 'get', '/leader/epoch'],
    ['blob', 'list'],
    ['api', 'GET', '/cluster'],
  ]

  test('in tables', async () => {
    const parts: string[] = []
    for (const argv of looks) {
      const { code, stdout, stderr } = await shell.run(...argv)
      parts.push(`$ typhoon ${argv.join(' ')}\n${stdout}${stderr}# ${code}\n`)
    }
    await expect(parts.join('\n')).toMatchFileSnapshot('golden/cluster-tables.txt')
  })

  test('as JSON', async () => {
    const parts: string[] = []
    for (const argv of looks) {
      const { code, stdout, stderr } = await shell.run(...argv, '-o', 'json')
      expect([argv.join(' '), stderr]).toEqual([argv.join(' '), ''])
      if (argv[0] !== 'logs') JSON.parse(stdout)
      parts.push(`$ typhoon ${argv.join(' ')} -o json\n${stdout}# ${code}\n`)
    }
    await expect(parts.join('\n')).toMatchFileSnapshot('golden/cluster-json.txt')
  })

  test('no text of user code reaches the terminal as an order', async () => {
    const { nimbus } = shell
    const { errors, workers, events } = nimbus
    const evil = `bad\u001b[2J\u009b1m\r\nnext\u0007 ${'x'.repeat(300)}`
    nimbus.errors = async (...args) => (await errors(...args)).map((each) => ({ ...each, message: evil }))
    nimbus.workers = async (...args) => (await workers(...args)).map((each) => ({ ...each, why: evil }))
    nimbus.events = async (...args) => {
      const page = await events(...args)
      return { ...page, events: page.events.map((each) => ({ ...each, message: evil })) }
    }
    for (const argv of [
      ['status', 'word-count'],
      ['errors', 'word-count'],
      ['describe', 'word-count'],
      ['events'],
    ]) {
      const { stdout } = await shell.run(...argv)
      expect([argv[0], stdout]).toEqual([argv[0], expect.stringMatching(/bad \[2J 1m next /)])
      expect([argv[0], stdout.match(/(?!\n)\p{Cc}/gu)]).toEqual([argv[0], null])
      // The whole of it is where it is asked for.
      expect([argv[0], stdout.includes('x'.repeat(300))]).toEqual([argv[0], argv[0] !== 'status'])
    }
  })

  test("Storm's verbs mean the same", async () => {
    expect((await shell.run('monitor', 'word-count')).stdout).toContain('bottleneck')
    expect((await shell.run('get-errors', 'word-count')).stdout).toContain('EXECUTE_THREW')
    expect((await shell.run('set_log_level', 'word-count', 'split=DEBUG')).code).toBe(0)
    expect(shell.nimbus.asked).toContainEqual(['setLogLevel', 'word-count', 'split', 'debug', 600_000])
  })

  test('logs that could not be read are told, and no lines are not silence', async () => {
    const piece = { node: 'node-1', port: 6700, worker: 1, lines: [], next: '' }
    const told = { ...piece, trouble: 'node-1: nobody answers' }
    shell.nimbus.logs = async () => [told]
    expect((await shell.run('logs', 'word-count')).stderr).toContain(
      'no log of node-1:6700: node-1: nobody answers\n',
    )
    shell.nimbus.logs = async () => [piece]
    expect((await shell.run('logs', 'word-count')).stderr).toMatch(/^no lines yet/)
    expect(await shell.run('logs', 'word-count', '--grep', 'x')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'no line fits\n',
    })
  })

  test('lines of one component, and what is printed without one', async () => {
    const left =
      '1 line left out: what a component prints with console or a print sink stands under its worker'
    const split = await shell.run('logs', 'word-count/split')
    expect([split.code, split.stdout.split('\n').length]).toEqual([0, 2])
    expect(split.stderr).toContain(left)
    const lines = await shell.run('logs', 'word-count/lines')
    expect([lines.code, lines.stdout]).toEqual([0, ''])
    expect(lines.stderr).toMatch(/^no line of component lines\n1 line left out/)
    // What is asked for by its level is not what is printed.
    expect((await shell.run('logs', 'word-count/split', '--level', 'warn')).stderr).toBe('no line fits\n')
    const nobody = await shell.run('logs', 'word-count/spilt')
    expect([nobody.code, nobody.stdout]).toEqual([3, ''])
    expect(nobody.stderr).toContain("there is no component 'spilt'")
    expect(nobody.stderr).toContain('did you mean split? there are lines, split, count')
    expect((await shell.run('logs', 'word-count/__acker')).code).toBe(0)
  })

  test('a status that is not healthy is exit code 1, and can be waited for', async () => {
    expect((await shell.run('status', 'word-count')).code).toBe(1)
    const waited = await shell.run('status', 'word-count', '--wait', 'healthy', '--timeout', '300ms')
    expect([waited.code, waited.stderr.includes('OPERATION_TIMED_OUT')]).toEqual([124, true])
    shell.nimbus.current = { ...shell.nimbus.current, unplaced: [] }
    expect((await shell.run('status', 'word-count', '--wait', 'healthy')).code).toBe(0)
    // All runs, if not as it was asked for: that is told, and healthy.
    const why = 'asked for 4 workers, and has 3'
    shell.nimbus.current = { ...shell.nimbus.current, unplaced: [{ component: '', count: 0, why }] }
    const { code, stdout } = await shell.run('status', 'word-count')
    expect([code, stdout]).toEqual([0, expect.stringContaining(`⚠ ${why}\n`)])
  })
})

test('a cluster that is coordinated in memory has no ZooKeeper that could be connected', async () => {
  expect((await shell.run('cluster', 'status')).stdout).toContain('ZooKeeper   connected\n')
  const { cluster } = shell.nimbus
  shell.nimbus.cluster = async (caller) => ({ ...(await cluster(caller)), isCoordinatorInMemory: true })
  const { code, stdout } = await shell.run('cluster', 'status')
  expect([code, stdout]).toEqual([0, expect.stringContaining('ZooKeeper   none, records are in memory')])
})

test('while nobody leads, a standby says what it can', async () => {
  shell.nimbus.leader = null
  for (const argv of [
    ['cluster', 'status'],
    ['zk', 'ls', '/'],
    ['api', 'GET', '/cluster'],
  ]) {
    expect([argv[0], (await shell.run(...argv)).code]).toEqual([argv[0], 0])
  }
  const { code, stderr } = await shell.run('list', '--timeout', '1s')
  expect([code, stderr]).toEqual([6, expect.stringContaining('NIMBUS_NOT_LEADER')])
})

describe('what changes', () => {
  const id = 'word-count-0000000100000002'

  test('kill waits for its work, with progress on stderr', async () => {
    shell.nimbus.operationSteps = 2
    const { code, stdout, stderr } = await shell.run('kill', 'word-count', '-w', '5')
    expect([code, stdout]).toEqual([0, '✔ word-count is gone\n'])
    expect(stderr).toMatch(/^drain +50% {2}2 of 4 tasks\nremoved +100% {2}4 of 4 tasks/)
    expect(shell.nimbus.asked[0]?.[0]).toBe('leadership')
    // Which one it is, is read before.
    expect(shell.nimbus.asked[1]).toEqual(['topology', 'word-count'])
    expect(shell.nimbus.asked[2]).toEqual(['kill', 'word-count', 5_000, id])
  })

  test('kill of a name that nobody has is no success, also if its first answer was lost', async () => {
    const { kill } = shell.nimbus
    shell.nimbus.kill = async () => {
      shell.nimbus.kill = kill
      await Promise.resolve()
      throw new UnavailableError('COORDINATOR_UNAVAILABLE', 'away', { outcome: 'unknown' })
    }
    const { code, stdout, stderr } = await shell.run('kill', 'word-cuont')
    expect(code).not.toBe(0)
    expect(stdout).toBe('')
    expect(stderr).toContain('TOPOLOGY_NOT_FOUND')
  })

  test('rebalance says what it wants', async () => {
    const argv = ['-n', '3', '-e', 'count=8', '-e', 'split=2', '--scheduler', 'even']
    const { code } = await shell.run('rebalance', 'word-count', ...argv)
    expect(code).toBe(0)
    const idempotencyKey = expect.stringMatching(/^[0-9a-f]{32}$/)
    const wanted = {
      workers: 3,
      executors: { count: 8, split: 2 },
      tasks: {},
      scheduler: 'even',
      idempotencyKey,
      topologyId: id,
    }
    expect(shell.nimbus.asked[2]).toEqual(['rebalance', 'word-count', wanted])
    expect(await shell.run('rebalance', 'word-count', '-e', 'count')).toMatchObject({ code: 2 })
    const none = await shell.run('rebalance', 'word-count', '-e', 'count=0')
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('of count is from 1 to 999,999')])
    const nothing = await shell.run('rebalance', 'word-count', '-w', '5')
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining('give -n, -e, -t')])
    expect(shell.nimbus.asked.filter(([name]) => name === 'rebalance')).toHaveLength(1)
  })

  test('rebalance says what is not as it was asked for', async () => {
    const { topology } = shell.nimbus
    const why = '6 of 10 workers: needs 4 more slots, 0 are free on nodes that are up'
    shell.nimbus.topology = async (...of) => ({
      ...(await topology.apply(shell.nimbus, of)),
      unplaced: [{ component: '', count: 0, why }],
    })
    const said = await shell.run('rebalance', 'word-count', '-n', '40')
    expect(said.stdout).toBe(`✔ word-count is rebalanced\n⚠ ${why}\n`)
    const json = await shell.run('rebalance', 'word-count', '-n', '40', '-o', 'json')
    expect(JSON.parse(json.stdout)).toMatchObject({ state: 'done', notes: [why] })
  })

  test.each(['activate', 'deactivate'])('%s', async (verb) => {
    const { code, stdout } = await shell.run(verb, 'word-count', '-o', 'json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, subject: 'word-count', state: 'done' })
  })

  test('a node is drained and used again; work that was left is waited for', async () => {
    expect((await shell.run('node', 'drain', 'node-1')).stdout).toBe('✔ node-1 is drained\n')
    expect((await shell.run('node', 'undrain', 'node-1')).stdout).toBe('✔ node-1 takes workers again\n')
    expect((await shell.run('wait', 'op-kill')).stdout).toBe('✔ kill of word-count is done\n')
  })

  test('blobs there and back', async () => {
    writeFileSync(join(shell.directory, 'x.bin'), Uint8Array.of(1, 0, 255))
    const digest = (await shell.run('blob', 'put', 'x.bin')).stdout.trim()
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    expect((await shell.run('blob', 'get', digest, 'y.bin')).code).toBe(0)
    expect([...readFileSync(join(shell.directory, 'y.bin'))]).toEqual([1, 0, 255])
    expect((await shell.run('blob', 'delete', digest)).code).toBe(0)
    expect((await shell.run('blob', 'get', digestA, 'z.bin')).code).toBe(3)
  })
})

describe('submit', () => {
  test('bundled, looked at, uploaded, submitted', async () => {
    shell.write('word-count.ts', wordCount)
    const { code, stdout, stderr } = await shell.run(
      'submit',
      'word-count.ts',
      '--name',
      'words',
      '-c',
      'topology.workers=3',
    )
    expect([code, stdout]).toEqual([0, '✔ words is submitted   typhoon top words\n'])
    expect(stderr).toContain('words  4 components, 8 tasks (+ 3 ackers), at-least-once')
    expect(stderr).toContain('~ count  parallelism  4 → 8')
    expect(stderr).toContain('warning 2 of 4 workers have no slot yet')
    const names = shell.nimbus.asked.map(([name]) => name).filter((name) => name !== 'leadership')
    expect(names).toEqual(['topology', 'blobs', 'writeBlob', 'writeBlob', 'preview', 'submit', 'topology'])
    const [, request] = shell.nimbus.asked.find(([name]) => name === 'submit') ?? []
    expect(request).toMatchObject({ name: 'words', config: { workers: 3 }, isInactive: false })
    // A second one uploads nothing again.
    await shell.run('diff', 'words', 'word-count.ts', '-c', 'topology.workers=3')
    expect(shell.nimbus.asked.filter(([name]) => name === 'writeBlob')).toHaveLength(2)
  })

  test('--wait says what it has waited for, and the upload how much it is', async () => {
    shell.write('word-count.ts', wordCount)
    const { code, stdout, stderr } = await shell.run('submit', 'word-count.ts', '--name', 'words', '--wait')
    const said = '✔ words is active, its first tuple is acked   typhoon top words\n'
    expect([code, stdout]).toEqual([0, said])
    expect(stderr).toMatch(/^upload +[\d,]+ KiB$/m)
  })

  test('--wait says what goes wrong meanwhile, and with it that the time is over', async () => {
    shell.write('word-count.ts', wordCount)
    shell.nimbus.current = { ...shell.nimbus.current, state: 'starting' }
    const argv = ['submit', 'word-count.ts', '--name', 'words', '--wait', '--timeout', '1500ms']
    const { code, stderr } = await shell.run(...argv)
    expect(code).toBe(124)
    const cause = 'split: EXECUTE_THREW no such city'
    expect(stderr).toMatch(new RegExp(`^starting +0% +0 of 8 tasks +✖ ${cause}$`, 'm'))
    expect(stderr).toMatch(new RegExp(`OPERATION_TIMED_OUT .*; what went wrong last: ${cause}\n`))
    expect(stderr).toMatch(/fix .*typhoon errors NAME/)
    // It is not asked for as often as the state is.
    const asked = (wanted: string): number => shell.nimbus.asked.filter(([name]) => name === wanted).length
    expect(asked('errors')).toBeLessThan(asked('topology'))
    // Without an error, how its worker ended.
    const { workers } = shell.nimbus
    shell.nimbus.errors = async () => []
    shell.nimbus.workers = async (...args) =>
      (await workers(...args)).map((each) => ({ ...each, phase: 'backing-off', why: 'crash:\nexit code 1' }))
    const crashed = await shell.run('status', 'words', '--wait', 'healthy', '--timeout', '300ms')
    const ended = 'worker 1 on node-1: crash: exit code 1'
    expect(crashed.stderr).toContain(`what went wrong last: ${ended}`)
    const { stdout } = await shell.run('status', 'words')
    expect(stdout).toContain(`✖ ${ended}   typhoon describe word-count\n`)
  })

  test('what the preview has told is not told again', async () => {
    shell.write('word-count.ts', wordCount)
    const { submit } = shell.nimbus
    const told = ['needs 4 slots, 3 are free', 'no copy on another Nimbus']
    shell.nimbus.submit = async (...args) => ({ ...(await submit(...args)), warnings: told })
    const { stderr } = await shell.run('submit', 'word-count.ts', '--name', 'words')
    expect(stderr.match(/needs 4 slots/g)).toHaveLength(1)
    expect(stderr).toContain('warning no copy on another Nimbus')
    const again = await shell.run('submit', 'word-count.ts', '--name', 'words-2', '-o', 'json')
    expect(again.stderr).toContain('needs 4 slots')
  })

  test('--dry-run and diff start nothing', async () => {
    shell.write('word-count.ts', wordCount)
    const dry = await shell.run('submit', 'word-count.ts', '--name', 'words', '--dry-run', '-o', 'json')
    expect(JSON.parse(dry.stdout)).toMatchObject({ name: 'words', slots: { needed: 4, free: 3 } })
    const { code, stdout } = await shell.run('diff', 'word-count', 'word-count.ts')
    expect([code, stdout.includes('~ count  parallelism  4 → 8')]).toEqual([1, true])
    expect(shell.nimbus.asked.map(([name]) => name)).not.toContain('submit')
  })

  test('a name that is taken is said first, and nothing is uploaded', async () => {
    shell.write('word-count.ts', wordCount)
    for (const more of [[], ['--dry-run']]) {
      const { code, stdout, stderr } = await shell.run('submit', 'word-count.ts', ...more)
      expect([code, stdout]).toEqual([5, ''])
      expect(stderr).toContain("TOPOLOGY_NAME_TAKEN  a topology named 'word-count' is there already (active)")
      expect(stderr).not.toContain('upload ')
    }
    const asked = shell.nimbus.asked.map(([name]) => name).filter((name) => name !== 'leadership')
    expect(asked).toEqual(['topology', 'topology'])
  })

  test('a name that cannot be used is refused as that of a module is, before anything is done', async () => {
    shell.write('word-count.ts', wordCount)
    for (const name of ['a b', 'ö', 'x/y', '', '..', 'x'.repeat(300)]) {
      const { code, stdout, stderr } = await shell.run('submit', 'word-count.ts', `--name=${name}`)
      expect([name, code, stdout]).toEqual([name, 2, ''])
      expect(stderr).toContain("error E1007 RESERVED_ID  the topology's name '")
      expect(stderr).toContain(TOPOLOGY_NAME_RULE)
    }
    expect(shell.nimbus.asked).toEqual([])
  })

  test('what does not compile, throws, or is native is told with its place', async () => {
    shell.write('broken.ts', 'export default {\n  a: ]\n}\n')
    const broken = await shell.run('submit', 'broken.ts')
    expect(broken.stderr).toContain('BUNDLE_NOT_POSSIBLE')
    expect(broken.stderr).toContain('at    broken.ts:2:6')
    shell.write('native.ts', "import x from './x.node'\nexport default x\n")
    expect((await shell.run('submit', 'native.ts')).stderr).toContain('x.node is native')
    shell.write('throws.ts', "throw new Error('no city')\n")
    const throws = await shell.run('submit', 'throws.ts')
    expect([throws.code, throws.stderr.includes('no city')]).toEqual([1, true])
    expect(shell.nimbus.asked).toEqual([])
  })
})

describe('refusals', () => {
  test('each has its exit code', async () => {
    expect(await shell.run('status', 'word-cuont')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('did you mean word-count?'),
    })
    shell.nimbus.failures.push(new ConflictError('TOPOLOGY_WRONG_STATE', 'word-count is being killed'))
    expect((await shell.run('activate', 'word-count')).code).toBe(5)
    expect((await shell.say(['list', '--nimbus', '127.0.0.1:1', '--timeout', '300ms'])).code).toBe(6)
    expect((await shell.run('list', '--context', 'x')).code).toBe(2)
    expect((await shell.run('api', 'POST', '/topologies')).code).toBe(2)
    expect((await shell.run('api', 'GET', '/nothing')).code).toBe(2)
    expect((await shell.run('kill')).code).toBe(2)
  })

  test('who shows no token, or one of a role that may not: 4', async () => {
    const guarded = await ClusterShell.open(makeTokens('alice:reader'))
    try {
      const at = ['--nimbus', guarded.address]
      const token = { TYPHOON_TOKEN: tokenOf('alice') }
      expect((await guarded.say(['list', ...at])).code).toBe(4)
      expect((await guarded.say(['list', ...at], token)).code).toBe(0)
      const refused = await guarded.say(['kill', 'word-count', ...at], token)
      expect([refused.code, refused.stderr.includes('NOT_ALLOWED')]).toEqual([4, true])
      expect(refused.stderr).not.toContain(tokenOf('alice'))
    } finally {
      guarded.close()
    }
  })

  test('a production context wants a confirmation', async () => {
    shell.write(
      'typhoon.config.json',
      JSON.stringify({
        contexts: { prod: { nimbus: shell.address, production: true } },
        defaultContext: 'prod',
      }),
    )
    const refused = await shell.say(['kill', 'word-count'])
    expect([refused.code, refused.stderr.includes('E4009')]).toEqual([2, true])
    // Which one it is, and nothing else.
    const asked = new Set(shell.nimbus.asked.map(([name]) => name))
    expect(asked).toEqual(new Set(['leadership', 'topology']))
    expect((await shell.say(['kill', 'word-count', '--yes'])).code).toBe(0)
    expect((await shell.say(['list', '--context', 'prd'])).stderr).toContain('did you mean prod?')
  })

  test('what is confirmed is the one that had the name when it was asked', async () => {
    const contexts = { prod: { nimbus: shell.address, production: true } }
    shell.write('typhoon.config.json', JSON.stringify({ contexts, defaultContext: 'prod' }))
    const { nimbus } = shell
    const before = nimbus.current
    shell.answer = () => {
      nimbus.replacedBy = 'word-count-0000000900000001'
      nimbus.current = { ...before, id: nimbus.replacedBy }
      return 'word-count'
    }
    for (const argv of [['kill'], ['deactivate'], ['rebalance', '-n', '3']]) {
      nimbus.current = before
      const [verb = '', ...options] = argv
      const { stderr, code } = await shell.say([verb, 'word-count', ...options])
      expect([verb, code, stderr.includes('Type the name to confirm')]).toEqual([
        verb,
        expect.any(Number),
        true,
      ])
      expect([verb, ...nimbus.carriedOut]).toEqual([verb])
    }
  })
})
