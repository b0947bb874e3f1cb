/** `typhoon zk ls | get | dump`: the board as it stands in ZooKeeper, read only, secrets masked. */

import type { NimbusClient } from '../../../rpc/nimbus-client.ts'
import type { Json } from '../../../topology/describe/document.ts'
import { openCluster } from '../../cluster/session.ts'
import { ExitCode } from '../../exit-code.ts'
import { CommandFailure } from '../../failure.ts'
import type { Invocation } from '../../invocation.ts'
import type { Shell } from '../../shell.ts'

/** A dump is for looking: larger boards are looked at in parts. */
const NODES_MAX = 10_000

export async function zkLs(shell: Shell, invocation: Invocation): Promise<number> {
  const { nimbus } = await openCluster(shell, invocation)
  const names = await nimbus.call('boardList', [pathOf(invocation)])
  if (invocation.output === 'table') for (const name of names) shell.print(name)
  else shell.printJson({ version: 1, names })
  return ExitCode.OK
}

export async function zkGet(shell: Shell, invocation: Invocation): Promise<number> {
  const { nimbus } = await openCluster(shell, invocation)
  shell.printJson(await nimbus.call('boardRead', [pathOf(invocation)]))
  return ExitCode.OK
}

export async function zkDump(shell: Shell, invocation: Invocation): Promise<number> {
  const { nimbus } = await openCluster(shell, invocation)
  const records: Record<string, Json> = {}
  await collect(nimbus, pathOf(invocation), records)
  shell.printJson({ version: 1, records })
  return ExitCode.OK
}

async function collect(nimbus: NimbusClient, from: string, records: Record<string, Json>): Promise<void> {
  const paths = [from]
  for (let at = 0; at < paths.length; at += 1) {
    if (at >= NODES_MAX) {
      throw new CommandFailure(`there are more than ${NODES_MAX} nodes below ${from}`, {
        fix: 'dump a part: typhoon zk dump /topologies',
      })
    }
    const path = paths[at] ?? from
    const names = await nimbus.call('boardList', [path])
    paths.push(...names.map((name) => (path === '/' ? `/${name}` : `${path}/${name}`)))
    records[path] = await nimbus.call('boardRead', [path])
  }
}

function pathOf(invocation: Invocation): string {
  const path = invocation.args[0] ?? '/'
  return path.startsWith('/') ? path : `/${path}`
}
