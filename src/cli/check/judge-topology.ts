/**
 * Everything that can be said of one topology without running it: findings of the graph, of two builds, and
 * of its source files.
 */
import { isStreamError } from '../../base/errors.ts'
import { buildTopologyTwice } from '../../topology/build.ts'
import { ackerCount, expand, ownTaskCount, settingsOf } from '../../topology/expand.ts'
import type { Topology } from '../../topology/topology.ts'
import { recipeOf } from '../../topology/topology-def.ts'
import { checkTopology } from '../../topology/validate.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import { loadTopology, ofUser, type TopologyPlace, type TopologySource } from '../load/load-topology.ts'
import { reportOf, type Trouble, troubleOf } from '../say/error-report.ts'
import type { Shell } from '../shell.ts'
import { scanSource } from './clock-scan.ts'
import { warningEntry } from './warning-codes.ts'

export interface CheckFinding extends Trouble {
  readonly severity: 'error' | 'warning'
  /** Frames of the user's code, where he threw. */
  readonly frames?: readonly string[]
  readonly causes?: readonly string[]
}

export interface Verdict {
  readonly file: string
  readonly name: string | undefined
  /** Undefined: there are errors. */
  readonly size:
    | {
        readonly components: number
        /** Without ackers. */
        readonly tasks: number
        readonly ackers: number
        readonly guarantee: string
      }
    | undefined
  readonly findings: readonly CheckFinding[]
}

/** @throws CommandFailure the file is not there */
export async function judgeTopology(
  shell: Shell,
  invocation: Invocation,
  place: TopologyPlace,
): Promise<Verdict> {
  let source: TopologySource
  try {
    source = await loadTopology(shell, place)
  } catch (error) {
    return { file: place.file, name: undefined, size: undefined, findings: findingsOf(error) }
  }
  const scanned = scanFiles(shell, source.module.files)
  try {
    const { topology, findings } = await judgeBuild(shell, invocation, place, source)
    const all = [...findings, ...scanned]
    const hasErrors = all.some(({ severity }) => severity === 'error')
    return {
      file: place.file,
      name: source.name,
      size: hasErrors ? undefined : sizeOf(topology),
      findings: all,
    }
  } catch (error) {
    return {
      file: place.file,
      name: source.name,
      size: undefined,
      findings: [...findingsOf(error), ...scanned],
    }
  }
}

async function judgeBuild(
  shell: Shell,
  invocation: Invocation,
  place: TopologyPlace,
  { definition, args }: TopologySource,
): Promise<{ readonly topology: Topology; readonly findings: readonly CheckFinding[] }> {
  // Not through buildTopology, which throws at errors and says nothing of warnings.
  const built = ofUser('build', () => recipeOf(definition)?.build(args))
  if (built === undefined) throw new CommandFailure('the default export is no topology')
  const { configFor } = await import('../load/layers.ts')
  const resolved = await configFor(shell, invocation, place.project, built.topology.config)
  const config = { ...built.topology.config, ...resolved?.topology }
  const topology: Topology = { ...built.topology, config }
  const findings = checkTopology(topology).map(({ severity, code, message, where }): CheckFinding => {
    const trouble = troubleOf(code, message, where)
    return { severity, ...trouble, fix: trouble.fix ?? warningEntry(code)?.action }
  })
  if (config.guarantee === 'exactly-once') findings.unshift(noCheckpoints)
  for (const { severity, code, message, origin } of resolved?.warnings ?? []) {
    findings.push({
      severity,
      ...troubleOf(code, origin === '' ? message : `${origin}: ${message}`, undefined),
    })
  }
  if (!findings.some(({ severity }) => severity === 'error')) {
    ofUser('build', () => buildTopologyTwice(definition, { args }))
  }
  return { topology, findings }
}

/** The graph may be right, and yet `run` refuses it. First, for what it would need besides is of no use. */
const noCheckpoints: CheckFinding = {
  severity: 'error',
  ...troubleOf('GUARANTEE_NOT_POSSIBLE', 'this version has no checkpoints yet', undefined),
}

function findingsOf(error: unknown): readonly CheckFinding[] {
  if (error instanceof CommandFailure && error.exitCode === ExitCode.NOT_FOUND) throw error
  if (!isStreamError(error) && !(error instanceof CommandFailure)) throw error
  const { troubles, frames, causes } = reportOf(error)
  return troubles.map((trouble, index) =>
    index === 0 ? { severity: 'error', ...trouble, frames, causes } : { severity: 'error', ...trouble },
  )
}

function scanFiles(shell: Shell, files: readonly string[]): readonly CheckFinding[] {
  return files.flatMap((file) => {
    return scanSource(shell.machine.readText(file) ?? '').map(({ code, message, line, column }) => {
      const fix = warningEntry(code)?.action
      return { severity: 'warning', code, message, fix, where: `${file}:${line}:${column}` } as const
    })
  })
}

function sizeOf(topology: Topology): NonNullable<Verdict['size']> {
  const settings = settingsOf(topology)
  return {
    components: topology.components.size,
    tasks: ownTaskCount(expand(topology, settings)),
    ackers: ackerCount(settings.topology),
    guarantee: settings.topology.guarantee,
  }
}
