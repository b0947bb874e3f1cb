// Goal: the cuts that faults of machines are made of act, one way or both, and nothing is left in the end.
import { spawn, spawnSync } from 'node:child_process'
import { setTimeout as passed } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Machine, Machines, whyNoNamespaces } from './namespaces.ts'

const PORT = 9_000
const why = whyNoNamespaces()
if (why !== undefined) process.stderr.write(`network namespaces are not tested: ${why}\n`)

/** Takes datagrams, and prints what is in them. */
const LISTENER = `
  const socket = require('node:dgram').createSocket('udp4')
  socket.on('message', (bytes) => process.stdout.write(bytes))
  socket.bind(${PORT}, () => process.stdout.write('listens '))
`

class Listener {
  heard = ''
  private readonly child

  constructor({ inside }: Machine) {
    const [command = '', ...words] = [...inside, process.execPath, '-e', LISTENER]
    this.child = spawn(command, words)
    this.child.stdout.on('data', (bytes) => {
      this.heard += bytes
    })
  }

  stop(): void {
    this.child.kill('SIGKILL')
  }
}

describe.skipIf(why !== undefined)('machines', () => {
  let machines: Machines
  let ears: readonly Listener[] = []
  beforeAll(async () => {
    machines = new Machines(2)
    ears = machines.all.map((machine) => new Listener(machine))
    const untilMs = Date.now() + 10_000
    while (ears.some(({ heard }) => heard === '') && Date.now() < untilMs) await passed(20)
  })
  afterAll(() => {
    for (const ear of ears) ear.stop()
    machines?.remove()
  })

  const say = (from: number, to: number, word: string) => {
    const [speaker, listener] = [machines.all[from], machines.all[to]]
    const [command = '', ...words] = speaker?.inside ?? []
    const script = `echo -n '${word} ' > /dev/udp/${listener?.address}/${PORT}`
    expect(spawnSync(command, [...words, 'bash', '-c', script]).status).toBe(0)
  }
  const areHeard = (...words: readonly string[]) =>
    expect.poll(() => ears.map(({ heard }) => heard), { timeout: 5_000 }).toEqual(words)

  test('what is dropped in one direction comes through in the other, and again when it passes', async () => {
    const [one, two] = machines.all
    if (one === undefined || two === undefined) throw new Error('there are two')
    machines.drop(one, two)
    say(0, 1, 'lost')
    say(1, 0, 'back')
    await areHeard('listens back ', 'listens ')
    machines.pass(one, two)
    say(0, 1, 'again')
    await areHeard('listens back ', 'listens again ')
    machines.cut(two)
    say(0, 1, 'lost')
    say(1, 0, 'lost')
    machines.join(two)
    say(0, 1, 'joined')
    say(1, 0, 'joined')
    await areHeard('listens back joined ', 'listens again joined ')
  })

  test('nothing is left of them', () => {
    machines.remove()
    const left = ['netns', 'link'].map((what) => spawnSync('ip', ['-o', what], { encoding: 'utf8' }).stdout)
    expect(left.join('\n')).not.toContain(`tych${process.pid}`)
  })
})
