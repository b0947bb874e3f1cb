/**
 * `typhoon submit`, `typhoon diff`: a module to a cluster, with a look at what that changes before.
 *
 *   module ─▶ bundle ─▶ outline ─▶ upload ─▶ preview ─▶ (confirmed) ─▶ submit ─▶ (--wait) first tuple acked
 */

import { ClusterTopology } from '../../../rpc/client/cluster-topology.ts'
import { createSubmitMachine } from '../../../rpc/client/node-machine.ts'
import {
  makeSubmission,
  preview,
  type Submission,
  submit as send,
  upload,
} from '../../../rpc/client/submission.ts'
import type { PreviewReply } from '../../../rpc/nimbus-api.ts'
import type { Json } from '../../../topology/describe/document.ts'
import type { TopologyOutline } from '../../../topology/describe/outline.ts'
import { attached } from '../../cluster/attached.ts'
import { confirm } from '../../cluster/confirm.ts'
import { printOne } from '../../cluster/print.ts'
import { ProgressLines } from '../../cluster/progress.ts'
import { argument, type ClusterSession, openCluster } from '../../cluster/session.ts'
import { ExitCode } from '../../exit-code.ts'
import { sizeText } from '../../figures.ts'
import type { Invocation } from '../../invocation.ts'
import { configFor } from '../../load/layers.ts'
import { locateTopology } from '../../load/load-topology.ts'
import { topologyArgs } from '../../load/topology-args.ts'
import type { Shell } from '../../shell.ts'

const KIB = 1024

export async function submit(shell: Shell, invocation: Invocation): Promise<number> {
  const session = await openCluster(shell, invocation)
  const word = argument(invocation, 0, 'the topology')
  const submission = await prepared(shell, invocation, session, word, invocation.text('name'))
  const seen = await preview(session.nimbus, submission)
  if (invocation.flag('dryRun')) {
    printPreview(shell, invocation, submission, seen)
    return hasErrors(seen) ? ExitCode.NEGATIVE : ExitCode.OK
  }
  if (invocation.output === 'table') for (const line of previewLines(shell, submission, seen)) shell.say(line)
  if (hasErrors(seen)) return ExitCode.NEGATIVE
  await confirm(shell, invocation, session, submission.request.name)
  const { id, name, isRepeated, warnings } = await send(session.nimbus, session.host, submission)
  const told = new Set(invocation.output === 'table' ? seen.findings.map(({ message }) => message) : [])
  for (const warning of warnings.filter((each) => !told.has(each)))
    shell.say(`${shell.paintError('yellow', 'warning')} ${warning}`)
  const code = invocation.flag('wait') ? await untilReady(shell, invocation, session, name, id) : ExitCode.OK
  const hasWaited = invocation.flag('wait') && code === ExitCode.OK
  const what = hasWaited ? 'is active, its first tuple is acked' : 'is submitted'
  printOne(shell, invocation, { name, id, isRepeated, warnings }, () => [
    `${shell.paint('green', '✔')} ${shell.paint('bold', name)} ${what}   typhoon top ${name}`,
  ])
  return code
}

export async function diff(shell: Shell, invocation: Invocation): Promise<number> {
  const session = await openCluster(shell, invocation)
  const name = argument(invocation, 0, 'the name of the running topology')
  const word = argument(invocation, 1, 'the module')
  await session.nimbus.call('topology', [name])
  const submission = await prepared(shell, invocation, session, word, name)
  const seen = await preview(session.nimbus, submission)
  printPreview(shell, invocation, submission, seen)
  return seen.changes.length === 0 ? ExitCode.OK : ExitCode.NEGATIVE
}

async function prepared(
  shell: Shell,
  invocation: Invocation,
  { nimbus, host }: ClusterSession,
  word: string,
  name: string | undefined,
): Promise<Submission> {
  const place = await locateTopology(shell, invocation, word)
  const resolved = await configFor(shell, invocation, place.project, undefined)
  const progress = new ProgressLines(shell, invocation)
  try {
    progress.report({ step: 'bundle', done: 0, total: undefined, unit: 'bytes' })
    const submission = await makeSubmission(host, createSubmitMachine(), place.file, {
      ...(name === undefined ? {} : { name }),
      ...(place.words.length === 0 ? {} : { args: topologyArgs(place.words) }),
      config: resolved?.topology ?? {},
      inactive: invocation.flag('inactive'),
    })
    await upload(nimbus, submission, progress.report)
    return submission
  } finally {
    progress.end()
  }
}

async function untilReady(
  shell: Shell,
  invocation: Invocation,
  { nimbus, host, timeoutMs, target }: ClusterSession,
  name: string,
  id: string,
): Promise<number> {
  const running = new ClusterTopology({ nimbus, host, name, id, isProduction: target.isProduction })
  const again = `typhoon status ${name} --wait healthy`
  return await attached(shell, invocation, again, async ({ signal, progress }) => {
    const timeout = timeoutMs === undefined ? {} : { timeout: `${timeoutMs}ms` as const }
    await running.ready({ ...timeout, signal, onProgress: progress.report })
  })
}

function hasErrors({ findings }: PreviewReply): boolean {
  return findings.some(({ severity }) => severity === 'error')
}

function printPreview(
  shell: Shell,
  invocation: Invocation,
  submission: Submission,
  seen: PreviewReply,
): void {
  const { request, outline } = submission
  const document: Record<string, Json> = {
    name: request.name,
    guarantee: outline.guarantee,
    bundle: { bytes: request.bundle.sizeBytes, digest: request.bundle.digest },
    findings: JSON.parse(JSON.stringify(seen.findings)),
    changes: JSON.parse(JSON.stringify(seen.changes)),
    slots: { ...seen.slots },
  }
  printOne(shell, invocation, document, () => previewLines(shell, submission, seen))
}

function previewLines(
  { paint }: Shell,
  { request, outline }: Submission,
  { findings, changes, slots }: PreviewReply,
): readonly string[] {
  const own = outline.components.filter(({ kind }) => kind !== 'system')
  const tasksOf = (components: TopologyOutline['components']): number =>
    components.reduce((sum, { tasks }) => sum + tasks, 0)
  const tasks = tasksOf(own)
  const size = { components: own.length, tasks, ackers: tasksOf(outline.components) - tasks }
  const { digest, sizeBytes } = request.bundle
  const lines = [
    `${paint('bold', request.name)}  ${sizeText({ ...size, guarantee: outline.guarantee })}`,
    `  slots   needs ${slots.needed}, ${slots.free} free`,
    `  bundle  ${Math.ceil(sizeBytes / KIB)} KiB, sha256 ${digest.slice(0, 12)}`,
  ]
  for (const { kind, subject, before, after } of changes) {
    const mark = before === undefined ? '+' : after === undefined ? '-' : '~'
    const values = [before, after].filter((value) => value !== undefined).join(' → ')
    lines.push(`  ${mark} ${subject}  ${kind}${values === '' ? '' : `  ${values}`}`)
  }
  for (const { severity, code, message } of findings) {
    const mark = severity === 'error' ? paint('red', '✖') : paint('yellow', '⚠')
    lines.push(`  ${mark} ${paint('bold', code)}  ${message}`)
  }
  return lines
}
