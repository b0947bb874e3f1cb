/**
 * `typhoon activate | deactivate | kill | rebalance | wait`: what changes a running topology, and waiting
 * for it. Which one it is, is read before anybody is asked to confirm: the name may be another's when the
 * answer comes.
 */
import { kill as beginKill, rebalance as beginRebalance } from '../../../rpc/client/sure-calls.ts'
import { waitForWork } from '../../../rpc/client/waiting.ts'
import type { OperationStatus } from '../../../rpc/nimbus-api.ts'
import { attached } from '../../cluster/attached.ts'
import { confirm } from '../../cluster/confirm.ts'
import { printOne } from '../../cluster/print.ts'
import { argument, type ClusterSession, countsByName, openCluster, secondsMs } from '../../cluster/session.ts'
import { ExitCode } from '../../exit-code.ts'
import { CommandFailure } from '../../failure.ts'
import { counted } from '../../figures.ts'
import type { Invocation } from '../../invocation.ts'
import type { Shell } from '../../shell.ts'

export async function activate(shell: Shell, invocation: Invocation): Promise<number> {
  const session = await openCluster(shell, invocation)
  const name = argument(invocation, 0, 'the topology')
  const { id } = await session.nimbus.call('topology', [name])
  const begun = await session.nimbus.call('activate', [name, id])
  return await finish(shell, invocation, session, begun, { said: `${name} is active` })
}

export async function deactivate(shell: Shell, invocation: Invocation): Promise<number> {
  const session = await openCluster(shell, invocation)
  const name = argument(invocation, 0, 'the topology')
  const { id } = await session.nimbus.call('topology', [name])
  await confirm(shell, invocation, session, name)
  const begun = await session.nimbus.call('deactivate', [name, id])
  return await finish(shell, invocation, session, begun, { said: `${name} is inactive` })
}

export async function kill(shell: Shell, invocation: Invocation): Promise<number> {
  const drainMs = secondsMs(invocation, 'wait')
  const session = await openCluster(shell, invocation)
  const name = argument(invocation, 0, 'the topology')
  const { id } = await session.nimbus.call('topology', [name])
  await confirm(shell, invocation, session, name)
  const begun = await beginKill(session.nimbus, { name, id }, drainMs)
  return await finish(shell, invocation, session, begun, { said: `${name} is gone` })
}

export async function rebalance(shell: Shell, invocation: Invocation): Promise<number> {
  const request = {
    workers: invocation.count('workers'),
    executors: countsByName(invocation, 'executors'),
    tasks: countsByName(invocation, 'tasks'),
    scheduler: invocation.text('scheduler'),
    drainMs: secondsMs(invocation, 'wait'),
  }
  const { workers, scheduler, executors, tasks } = request
  const named = [...Object.keys(executors), ...Object.keys(tasks)]
  if (workers === undefined && scheduler === undefined && named.length === 0) {
    throw new CommandFailure('rebalance was told nothing to change', {
      fix: 'give -n, -e, -t or --scheduler',
    })
  }
  const session = await openCluster(shell, invocation)
  const name = argument(invocation, 0, 'the topology')
  const { id } = await session.nimbus.call('topology', [name])
  await confirm(shell, invocation, session, name)
  const begun = await beginRebalance(session.nimbus, session.host, { name, id }, request)
  const notesOf = async (): Promise<readonly string[]> => {
    const { unplaced } = await session.nimbus.call('topology', [name])
    return unplaced.map(({ component, count, why }) =>
      component === '' ? why : `${counted(count, 'executor')} of ${component} nowhere: ${why}`,
    )
  }
  return await finish(shell, invocation, session, begun, { said: `${name} is rebalanced`, notesOf })
}

/** Comes back to work that was left. */
export async function wait(shell: Shell, invocation: Invocation): Promise<number> {
  const session = await openCluster(shell, invocation)
  const id = argument(invocation, 0, 'the operation')
  const found = await session.nimbus.call('operation', [id])
  return await finish(shell, invocation, session, found, {
    said: `${found.kind} of ${found.subject} is done`,
  })
}

export async function drain(shell: Shell, invocation: Invocation): Promise<number> {
  const session = await openCluster(shell, invocation)
  const node = argument(invocation, 0, 'the node')
  await confirm(shell, invocation, session, node)
  const begun = await session.nimbus.call('drain', [node])
  return await finish(shell, invocation, session, begun, { said: `${node} is drained` })
}

export async function undrain(shell: Shell, invocation: Invocation): Promise<number> {
  const session = await openCluster(shell, invocation)
  const node = argument(invocation, 0, 'the node')
  await session.nimbus.call('undrain', [node])
  printOne(shell, invocation, { node }, () => [`${shell.paint('green', '✔')} ${node} takes workers again`])
  return ExitCode.OK
}

interface Ending {
  /** What is true when the work is done. */
  readonly said: string
  /** What of it is not as it was asked for. */
  readonly notesOf?: () => Promise<readonly string[]>
}

async function finish(
  shell: Shell,
  invocation: Invocation,
  { nimbus, host, timeoutMs }: ClusterSession,
  begun: OperationStatus,
  { said, notesOf }: Ending,
): Promise<number> {
  if (begun.state === 'failed') {
    const { code = '', message = 'it failed' } = begun.error ?? {}
    const exitCode = ExitCode.NEGATIVE
    throw new CommandFailure(`${begun.kind} of ${begun.subject}: ${message} ${code}`.trimEnd(), { exitCode })
  }
  const again = `typhoon wait ${begun.id}`
  const exitCode = await attached(shell, invocation, again, async ({ signal, progress }) => {
    const timeout = timeoutMs === undefined ? {} : { timeout: `${timeoutMs}ms` as const }
    await waitForWork(nimbus, host, begun, { ...timeout, signal, onProgress: progress.report })
  })
  const { id, kind, subject } = begun
  const isDone = exitCode === ExitCode.OK
  const notes = isDone ? ((await notesOf?.()) ?? []) : []
  const state = isDone ? 'done' : 'running'
  const document = { operation: id, kind, subject, state, ...(notes.length === 0 ? {} : { notes }) }
  printOne(shell, invocation, document, () => [
    ...(isDone ? [`${shell.paint('green', '✔')} ${said}`] : []),
    ...notes.map((note) => `${shell.paint('yellow', '⚠')} ${note}`),
  ])
  return exitCode
}
