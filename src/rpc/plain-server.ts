/** The API over `host.http`: for supervisors, for the simulator, and wherever a few routes are served. */
import type { Host, Stoppable } from '../host/host.ts'
import type { Dispatcher } from './dispatcher.ts'

/** @throws UnavailableError PORT_IN_USE */
export async function servePlain<Api>(
  host: Pick<Host, 'http'>,
  address: string,
  dispatcher: Dispatcher<Api>,
): Promise<Stoppable & { readonly address: string }> {
  const taking = dispatcher.routes.filter((route) => route.takes !== 'nothing')
  const bodyBytesMax = Math.max(0, ...taking.map((route) => route.bodyBytesMax))
  return await host.http.serve(address, (request) => dispatcher.dispatch(request), bodyBytesMax)
}
