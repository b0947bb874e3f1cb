// Goal: daemons on a ZooKeeper whose nodes are not theirs, or not to be read, or hold what no daemon wrote,
// say which node it is, and write over nothing. Method: real daemons, a real server, a tree compared before
// and after.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Acl, Coordinator } from '../../src/coordinate/coordinator.ts'
import { Daemon } from '../chaos/daemon.ts'
import { connectClient, until } from '../interop/zookeeper-world.ts'
import { freePorts } from '../servers/free-ports.ts'
import { type RunningZooKeeper, startZooKeeper, whyNoZooKeeper } from '../servers/zookeeper.ts'

const why = whyNoZooKeeper()
if (why !== undefined) process.stderr.write(`daemons on strange roots are not tested: ${why}\n`)

const own: Acl = { scheme: 'auth', id: '', permissions: ['read', 'write', 'create', 'delete', 'admin'] }
const mayRead: Acl = { scheme: 'world', id: 'anyone', permissions: ['read'] }

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Every node below one, with what it holds; nodes that come and go with daemons are left out. */
async function treeOf(coordinator: Coordinator, path: string): Promise<Readonly<Record<string, string>>> {
  const tree: Record<string, string> = {}
  const { data } = await coordinator.get(path)
  tree[path] = new TextDecoder().decode(data)
  for (const name of await coordinator.children(path)) {
    Object.assign(tree, await treeOf(coordinator, `${path}/${name}`))
  }
  return tree
}

describe.skipIf(why !== undefined)('a root that is not as it should be', () => {
  const directory = mkdtempSync(join(tmpdir(), 'typhoon-root-'))
  const daemons: Daemon[] = []
  let zooKeeper: RunningZooKeeper
  /** Somebody else, with a name of his own. */
  let other: Coordinator

  beforeAll(async () => {
    zooKeeper = await startZooKeeper({ servers: 1 })
    const auth = { scheme: 'digest', user: 'other', password: 'their own' } as const
    other = (await connectClient(zooKeeper.connectString, { auth })).coordinator
  }, 120_000)
  afterAll(async () => {
    for (const daemon of daemons) daemon.killAll()
    await other?.close()
    await zooKeeper?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  async function start(role: 'nimbus' | 'supervisor', root: string): Promise<Daemon> {
    const [port = 0, slot = 0] = await freePorts(2)
    const name = `${role}-${daemons.length}`
    const own =
      role === 'nimbus'
        ? { 'nimbus.port': port }
        : { 'supervisor.node.name': name, 'logviewer.port': port, 'supervisor.slots.ports': [slot] }
    const settings = {
      'storm.zookeeper.servers': zooKeeper.connectString.split(','),
      'storm.zookeeper.root': root,
      'nimbus.seeds': [`127.0.0.1:${port}`],
      ...own,
    }
    const daemon = new Daemon({ role, name, directory: join(directory, name), settings })
    daemons.push(daemon)
    daemon.start()
    return daemon
  }

  async function leaderOf(root: string): Promise<Daemon> {
    const nimbus = await start('nimbus', root)
    await until('it leads', async () => (await other.exists(`${root}/leader/epoch`)) !== undefined)
    return nimbus
  }

  async function refusedBy(role: 'nimbus' | 'supervisor', root: string): Promise<string> {
    const daemon = await start(role, root)
    await until(`${role} has ended`, () => !daemon.isAlive)
    return daemon.log()
  }

  /** Made by somebody else, before a daemon comes. */
  const strange = [
    {
      what: "another program's root",
      code: 'RECORD_MALFORMED',
      make: async (root: string) => {
        await other.create(root, bytes(''))
        await other.create(`${root}/assignments`, bytes('theirs'))
      },
    },
    {
      what: 'a root of another access list',
      code: 'COORDINATOR_REFUSED',
      make: (root: string) => other.create(root, bytes('theirs'), { acl: [own] }),
    },
    {
      what: 'a root in which it may make nothing',
      code: 'COORDINATOR_REFUSED',
      make: (root: string) => other.create(root, bytes(''), { acl: [own, mayRead] }),
    },
  ]
  const roles = ['nimbus', 'supervisor'] as const
  const met = strange.flatMap((each, index) => roles.map((role) => ({ ...each, role, index })))

  test.each(met)('$role: $what', async ({ role, index, code, make }) => {
    const root = `/strange-${index}-${role}`
    await make(root)
    const before = await treeOf(other, root)
    const said = await refusedBy(role, root)
    expect(said).toContain(code)
    expect(said).toContain(root)
    expect(await treeOf(other, root)).toEqual(before)
  })

  test.each(roles)('%s: a folder of ours that it may not read', async (role) => {
    const root = `/part-${role}`
    const first = await leaderOf(root)
    await first.stop()
    await other.setAcl(`${root}/topologies`, [own])
    const said = await refusedBy(role, root)
    expect(said).toContain('COORDINATOR_REFUSED')
    expect(said).toContain(`${root}/topologies`)
  })

  test('garbage in every kind of node: named, written over by nobody, and all goes on', async () => {
    const root = '/garbage'
    const nimbus = await leaderOf(root)
    const supervisor = await start('supervisor', root)
    const places = ['topologies', 'assignments', 'supervisors', 'nimbuses', 'nodes'].map(
      (folder) => `${root}/${folder}/x`,
    )
    for (const place of places) {
      await other.create(place, bytes('{"garbage'))
      await until(`${place} is named`, () => nimbus.log().includes(place))
    }
    const hidden = `${root}/topologies/hidden`
    await other.create(hidden, bytes('theirs'), { acl: [own] })
    // Servers keep changes of what may not be read to themselves: it is found when all is read.
    const second = await start('nimbus', root)
    await until(`${hidden} is named`, () => second.log().includes(hidden))
    const later = await start('supervisor', root)
    await until('another node comes into service', () => later.log().includes('supervisor is up'))
    expect([nimbus.isAlive, supervisor.isAlive]).toEqual([true, true])
    const tree = await treeOf(other, root)
    for (const place of places) expect([place, tree[place]]).toEqual([place, '{"garbage'])
  })

  test('garbage where the epoch stands: nobody leads, and nobody writes over it', async () => {
    const root = '/epoch'
    const first = await leaderOf(root)
    await first.stop()
    await other.set(`${root}/leader/epoch`, bytes('garbage'))
    const second = await start('nimbus', root)
    await until('the node is named', () => second.log().includes(`${root}/leader/epoch`))
    expect(new TextDecoder().decode((await other.get(`${root}/leader/epoch`)).data)).toBe('garbage')
    expect(second.log()).toContain('holds no epoch')
  })
})
