/**
 * Which cluster a command means, and a client of it: flags, contexts of the project, contexts of the
 * user.
 */
import type { Host } from '../../host/host.ts'
import type { Target } from '../../rpc/client/contexts.ts'
import type { NimbusClient } from '../../rpc/nimbus-client.ts'
import { CommandFailure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import { findProject } from '../load/project.ts'
import type { Shell } from '../shell.ts'

/** Executors or tasks of a component. */
const COUNT = /^[1-9]\d{0,5}$/
const COUNT_MAX = '999,999'

export interface ClusterSession {
  readonly nimbus: NimbusClient
  readonly host: Host
  readonly target: Target
  /** `--timeout`: of one call, or of the whole wait where a command waits. */
  readonly timeoutMs: number | undefined
}

/**
 * Nothing is asked yet. @throws UsageError CONTEXT_UNKNOWN, SECRET_FILE_UNREADABLE; CommandFailure wrong
 * flags
 */
export async function openCluster(shell: Shell, invocation: Invocation): Promise<ClusterSession> {
  const { reach } = await import('../../rpc/client/node-connect.ts')
  const timeoutMs = invocation.durationMs('timeout')
  const target = await targetFor(shell, invocation)
  const { nimbus, host } = await reach(target, {
    timeoutMs,
    token: shell.terminal.environment['TYPHOON_TOKEN'],
  })
  return { nimbus, host, target, timeoutMs }
}

/** `--nimbus`, `--context`, the default of the project, the user's default, this machine. */
async function targetFor(shell: Shell, invocation: Invocation): Promise<Target> {
  const { targetAt, targetOf } = await import('../../rpc/client/contexts.ts')
  const address = invocation.text('nimbus')
  const named = invocation.text('context')
  if (address !== undefined) {
    if (named !== undefined) throw new CommandFailure('--nimbus and --context exclude each other')
    return targetAt([address])
  }
  const project = (await findProject(shell))?.config
  const { readContexts } = await import('../../rpc/client/node-connect.ts')
  const own = await readContexts()
  const contexts = { ...own.contexts, ...project?.contexts }
  const name = named ?? project?.defaultContext ?? own.default
  return name === undefined ? targetAt(['localhost']) : targetOf(name, contexts)
}

/** An argument that the command table asks for. */
export function argument(invocation: Invocation, index: number, what: string): string {
  const given = invocation.args[index]
  if (given !== undefined && given !== '') return given
  throw new CommandFailure(`${what} is missing`, { fix: `see typhoon help ${invocation.command}` })
}

/** A duration; a number without unit counts seconds, as Storm's options have it. */
export function secondsMs(invocation: Invocation, name: string): number | undefined {
  const text = invocation.text(name)
  return text !== undefined && /^\d{1,7}$/.test(text) ? Number(text) * 1_000 : invocation.durationMs(name)
}

/** `-e count=4 -e split=2`. */
export function countsByName(invocation: Invocation, name: string): Readonly<Record<string, number>> {
  const pairs = invocation.texts(name).map((text): [string, number] => {
    const [, component, count = ''] = /^(.+)=(-?\d+)$/.exec(text) ?? []
    const fix = `for example --${name} count=4`
    if (component === undefined) throw new CommandFailure(`'${text}' is not component=number`, { fix })
    if (!COUNT.test(count)) {
      const said = `'${text}': the number of ${name} of ${component} is from 1 to ${COUNT_MAX}`
      throw new CommandFailure(said, { fix })
    }
    return [component, Number(count)]
  })
  return Object.fromEntries(pairs)
}
