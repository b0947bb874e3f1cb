/** `typhoon api GET /topologies`: a request as it is, for what no command does. Reads only. */
import { errorOf } from '../../../rpc/problem.ts'
import { API_BASE } from '../../../rpc/route-finder.ts'
import { argument, openCluster } from '../../cluster/session.ts'
import { ExitCode } from '../../exit-code.ts'
import { CommandFailure } from '../../failure.ts'
import type { Invocation } from '../../invocation.ts'
import type { Shell } from '../../shell.ts'

export async function api(shell: Shell, invocation: Invocation): Promise<number> {
  const method = argument(invocation, 0, 'the method').toUpperCase()
  const given = argument(invocation, 1, 'the path')
  if (method !== 'GET') {
    throw new CommandFailure(`'${method}' is not possible here, only GET`, {
      fix: 'there is a command for whatever changes something: typhoon help',
    })
  }
  const path = given.startsWith(API_BASE) ? given : `${API_BASE}${given.startsWith('/') ? '' : '/'}${given}`
  const { nimbus } = await openCluster(shell, invocation)
  const reply = await nimbus.raw({ method, path })
  if (reply.status >= 400) throw errorOf(reply, reply.address)
  const text = new TextDecoder().decode(reply.body)
  if (reply.headers['content-type']?.startsWith('application/json') === true)
    shell.printJson(JSON.parse(text))
  else shell.print(text.trimEnd())
  return ExitCode.OK
}
