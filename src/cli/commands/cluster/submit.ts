/**
 * `typhoon submit`, `typhoon diff`: a module to a cluster, with a look at what that changes before.
 *
 *   module ─▶ bundle ─▶ outline ─▶ (name is free) ─▶ upload ─▶ preview
 *          ─▶ (confirmed) ─▶ submit ─▶ (--wait) first tuple acked
 */

import { ConflictError, hasCode, UsageError } from '../../../base/errors.ts'
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
import { topologyNameTrouble } from '../../../topology/topology-name.ts'
import { attached } from '../../cluster/attached.ts'
import { confirm } from '../../cluster/confirm.ts'
import { printOne } from '../../cluster/print.ts'
import { ProgressLines } from '../../cluster/progress.ts'
import { argument, type ClusterSession, openCluster } from '../../cluster/session.ts'
import { ExitCode } from '../../exit-code.ts'
import { kibText, sizeText } from '../../figures.ts'
import type { Invocation } from '../../invocation.ts'
import { configFor } from '../../load/layers.ts'
import { locateTopology } from '../../load/load-topology.ts'
import { topologyArgs } from '../../load/topology-args.ts'
import type { Shell } from '../../shell.ts'

export async function submit(shell: Shell, invocation: Invocation): Promise<number> {
  const session = await openCluster(shell, invocation)
  const word = argument(invocation, 0, 'the topology')
  const name = invocation.text('name')
  // Before it is bundled, what a module that has this name would be told.
  if (name !== undefined) checkName(name)
  const submission = await bundled(shell, invocation, session, word, name)
  checkName(submission.request.name)
  await refuseTaken(session, submission.request.name)
  await uploaded(shell, invocation, session, submission)
  const seen = await preview(session.nimbus, submission)
  if (invocation.flag('dryRun')) {
    printPreview(shell, invocation, submission, seen)
    return hasErrors(seen) ? ExitCode.NEGATIVE : ExitCode.OK
  }
  if (invocation.output === 'table') for (const line of previewLines(shell, submission, seen)) shell.say(line)
  if (hasErrors(seen)) return ExitCode.NEGATIVE
  await confirm(shell, invocation, session, submission.request.name)
  const sent = await send(session.nimbus, session.host, submission)
  const { id, isRepeated, warnings } = sent
  const told = new Set(invocation.output === 'table' ? seen.findings.map(({ message }) => message) : [])
  for (const warning of warnings.filter((each) => !told.has(each)))
    shell.say(`${shell.paintError('yellow', 'warning')} ${warning}`)
  const code = invocation.flag('wait')
    ? await untilReady(shell, invocation, session, sent.name, id)
    : ExitCode.OK
  const hasWaited = invocation.flag('wait') && code === ExitCode.OK
  const what = hasWaited ? 'is active, its first tuple is acked' : 'is submitted'
  printOne(shell, invocation, { name: sent.name, id, isRepeated, warnings }, () => [
    `${shell.paint('green', '✔')} ${shell.paint('bold', sent.name)} ${what}   typhoon top ${sent.name}`,
  ])
  return code
}

export async function diff(shell: Shell, invocation: Invocation): Promise<number> {
  const session = await openCluster(shell, invocation)
  const name = argument(invocation, 0, 'the name of the running topology')
  const word = argument(invocation, 1, 'the module')
  await session.nimbus.call('topology', [name])
  const submission = await bundled(shell, invocation, session, word, name)
  await uploaded(shell, invocation, session, submission)
  const seen = await preview(session.nimbus, submission)
  printPreview(shell, invocation, submission, seen)
  return seen.changes.length === 0 ? ExitCode.OK : ExitCode.NEGATIVE
}

/** @throws UsageError RESERVED_ID */
function checkName(name: string): void {
  const why = topologyNameTrouble(name)
  if (why !== undefined) throw new UsageError('RESERVED_ID', why, { field: 'name' })
}

/** Said before anything is uploaded or shown. @throws ConflictError TOPOLOGY_NAME_TAKEN */
async function refuseTaken({ nimbus }: ClusterSession, name: string): Promise<void> {
  const running = await nimbus.call('topology', [name]).catch((error: unknown) => {
    if (hasCode(error, 'TOPOLOGY_NOT_FOUND')) return undefined
    throw error
  })
  if (running === undefined) return
  const { id, state } = running
  const text = `a topology named '${name}' is there already (${state}); nothing was uploaded`
  throw new ConflictError('TOPOLOGY_NAME_TAKEN', text, { name, id })
}

async function bundled(
  shell: Shell,
  invocation: Invocation,
  { host }: ClusterSession,
  word: string,
  name: string | undefined,
): Promise<Submission> {
  const place = await locateTopology(shell, invocation, word)
  const resolved = await configFor(shell, invocation, place.project, undefined)
  const progress = new ProgressLines(shell, invocation)
  try {
    progress.report({ step: 'bundle', done: 0, total: undefined, unit: 'bytes' })
    return await makeSubmission(host, createSubmitMachine(), place.file, {
      ...(name === undefined ? {} : { name }),
      ...(place.words.length === 0 ? {} : { args: topologyArgs(place.words) }),
      config: resolved?.topology ?? {},
      inactive: invocation.flag('inactive'),
    })
  } finally {
    progress.end()
  }
}

async function uploaded(
  shell: Shell,
  invocation: Invocation,
  { nimbus }: ClusterSession,
  submission: Submission,
): Promise<void> {
  const progress = new ProgressLines(shell, invocation)
  try {
    await upload(nimbus, submission, progress.report)
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
    `  bundle  ${kibText(sizeBytes)}, sha256 ${digest.slice(0, 12)}`,
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
