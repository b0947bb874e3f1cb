/**
 * `typhoon doctor`: looks at the machine and the project; each line says ok, warn or fail, and what to do.
 */
import { isStreamError } from '../../base/errors.ts'
import { inspectConfig } from '../../config/load.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import { layersOf } from '../load/layers.ts'
import { findProject, type Project } from '../load/project.ts'
import { reportOf } from '../say/error-report.ts'
import type { Shell } from '../shell.ts'

interface Line {
  readonly name: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly message: string
  readonly fix?: string | undefined
}

const MIB = 2 ** 20
const GIB = 2 ** 30
const DISK_LOW_BYTES = 1024 * MIB
const DISK_FAIL_BYTES = 64 * MIB
const MEMORY_LOW_BYTES = 512 * MIB
const OPEN_FILES_MIN = 1024
/** Long-term support ends; after it no fixes come. */
const NODE_LTS = [22, 24]

export async function doctor(shell: Shell, invocation: Invocation): Promise<number> {
  const lines = [nodeLine(shell), ...packageLines(shell), ...(await configLines(shell, invocation))]
  lines.push(...machineLines(shell, invocation))
  const hasFailed = lines.some(({ state }) => state === 'fail')
  if (invocation.output === 'json') shell.printJson({ version: 1, ok: !hasFailed, checks: lines })
  else if (invocation.output === 'jsonl') for (const line of lines) shell.printJsonLine(line)
  else for (const line of lines) printLine(shell, line)
  return hasFailed ? ExitCode.NEGATIVE : ExitCode.OK
}

function printLine(shell: Shell, { name, state, message, fix }: Line): void {
  const style = state === 'ok' ? 'green' : state === 'warn' ? 'yellow' : 'red'
  shell.print(`${shell.paint(style, state.padEnd(4))}  ${name.padEnd(14)}  ${message}`)
  if (fix !== undefined) shell.print(`${' '.repeat(22)}${shell.paint('dim', 'fix')} ${fix}`)
}

function nodeLine({ machine }: Shell): Line {
  const major = Number(machine.nodeVersion.split('.', 1))
  const message = `Node ${machine.nodeVersion}, ${machine.platform}`
  if (NODE_LTS.includes(major)) return { name: 'node', state: 'ok', message: `${message}, long-term support` }
  const fix = 'use Node 24, which has long-term support'
  return { name: 'node', state: 'warn', message: `${message}, not a version with long-term support`, fix }
}

function packageLines({ machine, terminal }: Shell): readonly Line[] {
  const own = machine.packageVersion()
  const typhoon = machine.packageSeenFrom(terminal.directory, 'typhoon')
  const typescript = machine.packageSeenFrom(terminal.directory, 'typescript')
  return [
    typhoon === undefined
      ? {
          name: 'typhoon',
          state: 'warn',
          message: `${own}; not installed in this project, so modules use the copy of this command`,
          fix: 'npm install typhoon, so that the editor finds its types',
        }
      : typhoon.version === own
        ? { name: 'typhoon', state: 'ok', message: own }
        : {
            name: 'typhoon',
            state: 'warn',
            message: `this command is ${own}, the project has ${typhoon.version}`,
            fix: 'run it by npx typhoon, or install the same version',
          },
    typescript === undefined
      ? {
          name: 'typescript',
          state: 'warn',
          message: 'not found from here; modules run without, but nothing checks types',
          fix: 'npm install --save-dev typescript',
        }
      : { name: 'typescript', state: 'ok', message: typescript.version },
    machine.hasSourceMaps
      ? { name: 'source maps', state: 'ok', message: 'on: places in errors are those of your files' }
      : {
          name: 'source maps',
          state: 'warn',
          message: 'off: places in errors are those of compiled files',
          fix: 'start node with --enable-source-maps',
        },
  ]
}

async function configLines(shell: Shell, invocation: Invocation): Promise<readonly Line[]> {
  let project: Project | undefined
  try {
    project = await findProject(shell)
  } catch (error) {
    return [ofError('project', error)]
  }
  const found: Line =
    project === undefined
      ? { name: 'project', state: 'ok', message: 'no typhoon.config.ts; topologies are run by path' }
      : { name: 'project', state: 'ok', message: `${shell.short(project.file)} is valid` }
  return [
    found,
    ...(await missingTopologies(shell, project)),
    ...(await layerLines(shell, invocation, project)),
  ]
}

async function missingTopologies(shell: Shell, project: Project | undefined): Promise<readonly Line[]> {
  const lines: Line[] = []
  for (const [name, path] of Object.entries(project?.config.topologies ?? {})) {
    const file = shell.files.resolve(project?.directory ?? '', path)
    if ((await shell.files.stat(file))?.kind === 'file') continue
    const message = `the topology ${name} is at ${path}, where there is no file`
    lines.push({ name: 'project', state: 'fail', message, fix: 'correct its path in typhoon.config.ts' })
  }
  return lines
}

async function layerLines(
  shell: Shell,
  invocation: Invocation,
  project: Project | undefined,
): Promise<readonly Line[]> {
  try {
    const { findings } = inspectConfig(await layersOf(shell, invocation, project, undefined))
    if (findings.length === 0)
      return [{ name: 'configuration', state: 'ok', message: 'no unknown or deprecated keys' }]
    return findings.map(({ severity, code, origin, message }): Line => {
      const text = `${code}  ${origin === '' ? '' : `${origin}: `}${message}`
      return { name: 'configuration', state: severity === 'error' ? 'fail' : 'warn', message: text }
    })
  } catch (error) {
    return [ofError('configuration', error)]
  }
}

function ofError(name: string, error: unknown): Line {
  if (!isStreamError(error) && !(error instanceof CommandFailure)) throw error
  const [first] = reportOf(error).troubles
  return { name, state: 'fail', message: first?.message ?? '', fix: first?.fix }
}

function machineLines({ machine, files, terminal }: Shell, invocation: Invocation): readonly Line[] {
  const wanted = files.resolve(terminal.directory, invocation.text('directory') ?? '.')
  const { directory, freeBytes, isWritable } = machine.disk(wanted)
  const memory = machine.memory()
  const openFiles = machine.openFilesMax()
  const lines: Line[] = [
    isWritable
      ? { name: 'directory', state: 'ok', message: `${wanted} can be written` }
      : {
          name: 'directory',
          state: 'fail',
          message: `${directory} cannot be written`,
          fix: 'choose another by --directory',
        },
    {
      name: 'disk',
      state: freeBytes < DISK_FAIL_BYTES ? 'fail' : freeBytes < DISK_LOW_BYTES ? 'warn' : 'ok',
      message: `${sizeText(freeBytes)} free`,
      fix: freeBytes < DISK_LOW_BYTES ? 'free space, or choose another disk by --directory' : undefined,
    },
    {
      name: 'memory',
      state: memory.freeBytes < MEMORY_LOW_BYTES ? 'warn' : 'ok',
      message:
        `${sizeText(memory.freeBytes)} of ${sizeText(memory.totalBytes)} free, ` +
        `heap up to ${sizeText(memory.heapMaxBytes)}`,
      fix:
        memory.freeBytes < MEMORY_LOW_BYTES
          ? 'end something, or lower topology.state.memory.max.mb'
          : undefined,
    },
  ]
  if (openFiles !== undefined) {
    const isLow = openFiles < OPEN_FILES_MIN
    const fix = isLow ? `ulimit -n ${OPEN_FILES_MIN * 4}` : undefined
    lines.push({ name: 'open files', state: isLow ? 'warn' : 'ok', message: `at most ${openFiles}`, fix })
  }
  return lines
}

function sizeText(bytes: number): string {
  return bytes < 10 * GIB ? `${Math.round(bytes / MIB)} MiB` : `${Math.round(bytes / GIB)} GiB`
}
