/**
 * Which room may import which, and the check of it. The table is written here and nowhere else; the one in
 * docs/ARCHITECTURE.md is made from it. `node tools/layers.ts src/flow` prints what is broken below a path.
 *
 * Rules
 *   R1  a room imports itself and the rooms of its row; type-only imports obey as well
 *   R2  inside the house one imports the file, never an index; only the public doors have an index
 *   R3  nobody imports a door, neither by path nor by the package's own name
 *   R4  `node-*` of host and its folders is imported where programs begin: mains, cli, the local
 *       cluster, the client, and outside src/
 *   R5  src/ imports nothing of the folders around it, but for unit tests that read fixtures
 *   R6  files do not import each other in a circle
 */
import { fileURLToPath } from 'node:url'
import { type Finding, findingLine, type Import, isTest, readTree, type Tree } from './tree.ts'

/** Row by row from the bottom: each room and the rooms it may import besides itself. */
const engine = {
  base: [],
  config: ['base'],
  host: ['base'],
  state: ['base', 'config', 'host'],
  coordinate: ['base', 'config', 'host'],
  blob: ['base', 'config', 'host'],
  topology: ['base', 'config', 'state'],
  wire: ['base', 'topology'],
  window: ['base', 'state', 'topology'],
  connect: ['base', 'config', 'host', 'state', 'topology'],
  streams: ['base', 'topology', 'state', 'window'],
  flow: ['base', 'config', 'host', 'state', 'topology'],
  cluster: ['base', 'config', 'host', 'coordinate', 'topology'],
  messaging: ['base', 'config', 'host', 'topology', 'wire', 'flow'],
  schedule: ['base', 'config', 'topology', 'cluster'],
  rpc: ['base', 'config', 'host', 'topology', 'blob', 'cluster'],
  supervisor: ['base', 'config', 'host', 'topology', 'blob', 'cluster', 'rpc'],
  nimbus: ['base', 'config', 'host', 'topology', 'blob', 'cluster', 'schedule', 'rpc'],
  worker: ['base', 'config', 'host', 'state', 'topology', 'wire', 'flow', 'messaging', 'cluster'],
  dashboard: ['base', 'config', 'host', 'rpc'],
} as const satisfies Record<string, readonly string[]>

type Room = keyof typeof engine | 'testing' | 'cli'

/** Room → rooms it may import besides itself. */
export const mayImport: Readonly<Record<Room, readonly string[]>> = {
  ...engine,
  testing: Object.keys(engine).filter((room) => room !== 'dashboard'),
  cli: [...Object.keys(engine), 'testing'],
}

/** What a room must never know of. Reviews check it; the import table only helps. */
const neverKnows: Readonly<Record<Room, string>> = {
  base: 'anything',
  config: 'Node',
  host: 'the domain',
  state: 'tuples, tasks',
  coordinate: 'topologies; what is written in the tree',
  blob: 'what a blob means',
  topology: 'where it will run; sockets; ZooKeeper',
  wire: 'sockets, sessions, who sends',
  window: 'executors',
  connect: 'executors, nimbus',
  streams: 'executors, where it runs',
  flow: 'bytes, sockets, ZooKeeper, processes',
  cluster: 'scheduling, processes',
  messaging: 'what a tuple means',
  schedule: 'time, I/O, ZooKeeper: it is pure',
  rpc: 'how requests are carried out',
  supervisor: 'tuples, the insides of nimbus',
  nimbus: 'the insides of supervisors, tuples in flight',
  worker: 'scheduling, nimbus',
  dashboard: 'ZooKeeper',
  testing: 'cli, dashboard',
  cli: '–',
}

/** The public doors: the only index files, imported by users only. */
export const doors = [
  'src/index.ts',
  'src/connect/files/index.ts',
  'src/testing/index.ts',
  'src/config/index.ts',
  'src/rpc/client/index.ts',
] as const

/** `src/index.ts` stands in no room. This is its row. */
const mainDoorMayImport = ['base', 'config', 'state', 'topology']

/** Where a program begins, so where the real host is made. */
const nodeHostUsers = [
  /^src\/host\//,
  /^src\/[^/]+\/(inspect-)?main\.ts$/,
  /^src\/cli\//,
  /^src\/testing\/(index|local-cluster[^/]*)\.ts$/,
  /^src\/rpc\/client\/(index|node-[^/]*)\.ts$/,
]

const rows: Readonly<Record<string, readonly string[]>> = mayImport

/** The room of a file under src/; undefined for files outside and for the main door. */
export function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1]
}

/** All broken rules R1 to R6. */
export function findLayerViolations(tree: Tree): Finding[] {
  const found: Finding[] = []
  const files = tree.typescript('src')
  for (const file of files) {
    const room = roomOf(file)
    if (room !== undefined && !(room in mayImport)) {
      const text = `'${room}' is no room: add its row to mayImport in tools/layers.ts, with a decision record`
      found.push({ file, line: 1, rule: 'layers/room', text })
    }
    if (file.endsWith('/index.ts') && !isDoor(file)) {
      const text = 'only public doors have an index: import the files themselves, and delete this one'
      found.push({ file, line: 1, rule: 'layers/index', text })
    }
    for (const each of tree.imports(file)) found.push(...judge(each))
  }
  return [...found, ...findCycles(tree, files)]
}

function judge(each: Import): Finding[] {
  const found: Finding[] = []
  const say = (rule: string, text: string) => found.push({ file: each.from, line: each.line, rule, text })
  if (/^typhoon(\/|$)/.test(each.specifier))
    say('layers/door', 'sources import files, not the package itself')
  if (each.target === undefined) return found
  if (isTest(each.from) && each.target.startsWith('test/fixtures/')) return found
  if (!each.target.startsWith('src/')) {
    say('layers/outside', `${each.target} is outside src/: what src needs lives in src`)
    return found
  }
  if (isDoor(each.target)) say('layers/door', `${each.target} is a door for users: import the file behind it`)
  if (
    /^src\/host\/([^/]+\/)?node-/.test(each.target) &&
    !nodeHostUsers.some((allowed) => allowed.test(each.from))
  ) {
    say(
      'layers/node-host',
      'take a Host as an argument; only mains, cli and the local cluster make the real one',
    )
  }
  const to = roomOf(each.target)
  const from = roomOf(each.from)
  if (to === undefined || to === from) return found
  const allowed = from === undefined ? mainDoorMayImport : (rows[from] ?? [])
  if (!allowed.includes(to)) {
    const list = allowed.length === 0 ? 'no other room' : `only ${allowed.join(', ')}`
    say('layers/room', `${from ?? 'the main door'} may not import ${to}: ${list}`)
  }
  return found
}

function isDoor(path: string): boolean {
  return doors.some((door) => door === path)
}

/** One finding per circle, at its alphabetically first file. */
function findCycles(tree: Tree, files: readonly string[]): Finding[] {
  const found: Finding[] = []
  const state = new Map<string, 'open' | 'done'>()
  const path: string[] = []

  function enter(file: string): void {
    state.set(file, 'open')
    path.push(file)
    for (const { target } of tree.imports(file)) {
      if (target === undefined || !tree.has(target) || !target.endsWith('.ts')) continue
      if (state.get(target) === 'open') found.push(cycleFinding(tree, path.slice(path.indexOf(target))))
      else if (!state.has(target)) enter(target)
    }
    path.pop()
    state.set(file, 'done')
  }

  for (const file of files) if (!state.has(file)) enter(file)
  return found
}

function cycleFinding(tree: Tree, circle: readonly string[]): Finding {
  const first = [...circle].sort()[0] ?? ''
  const at = circle.indexOf(first)
  const turned = [...circle.slice(at), ...circle.slice(0, at), first]
  const line = tree.imports(first).find(({ target }) => target === turned[1])?.line ?? 1
  const circleText = turned.join(' → ')
  const text = `files import each other in a circle: ${circleText}; move what both need to a third file`
  return { file: first, line, rule: 'layers/cycle', text }
}

/** Where the generated table stands. */
export const architectureFile = 'docs/ARCHITECTURE.md'
const tableBegin = '<!-- layers: made from tools/layers.ts by npm run fix -->'
const tableEnd = '<!-- end of layers -->'

/** The table as Markdown. */
export function renderLayerTable(): string {
  const lines = ['| Room | May import | Must never know of |', '|---|---|---|']
  const above: string[] = []
  for (const [room, unknown] of Object.entries(neverKnows)) {
    lines.push(`| ${room} | ${renderRow(rows[room] ?? [], above)} | ${unknown} |`)
    above.push(room)
  }
  return lines.join('\n')
}

function renderRow(allowed: readonly string[], above: readonly string[]): string {
  if (allowed.length === 0) return '–'
  const others = above.filter((room) => !allowed.includes(room))
  if (allowed.length < 10) return allowed.join(' ')
  return others.length === 0 ? 'all above' : `all above but ${others.join(' ')}`
}

/** The table as it stands in the architecture page; undefined when it is not there. */
export function readLayerTable(tree: Tree): string | undefined {
  if (!tree.has(architectureFile)) return undefined
  const [, rest] = tree.text(architectureFile).split(`${tableBegin}\n`)
  return rest?.split(`\n${tableEnd}`)[0]
}

/** The architecture page with the table of today. */
export function putLayerTable(page: string): string {
  const [before, rest] = page.split(`${tableBegin}\n`)
  const after = rest?.split(tableEnd)[1]
  if (before === undefined || after === undefined)
    throw new Error(`${architectureFile}: the marks of the layer table are gone`)
  return `${before}${tableBegin}\n${renderLayerTable()}\n${tableEnd}${after}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const below = process.argv[2] ?? ''
  const found = findLayerViolations(readTree()).filter(({ file }) => file.startsWith(below))
  for (const each of found) process.stdout.write(`${findingLine(each)}\n`)
  process.exit(found.length === 0 ? 0 : 1)
}
