/**
 * A throw-away process that builds a topology twice, tells its outline and ends: user code at submit runs
 * here, and nowhere nearer to a daemon. Started by host/node-inspect.ts, which gives the order and takes the
 * answer over the channel of a fork; so a module may print what it likes.
 */
import { isStreamError, UserCodeError } from '../base/errors.ts'
import { orderOfParent } from '../host/node-fork.ts'
import { createBundleLoader, ownCodeUrl } from '../host/worker/node-bundle-loader.ts'
import { buildTopologyTwice, parseArgs } from '../topology/build.ts'
import type { InspectError } from '../topology/describe/inspect-result.ts'
import { outlineOf, type TopologyOutline } from '../topology/describe/outline.ts'
import { type RelativePath, relativePathsOf } from '../topology/describe/relative-paths.ts'
import { expand, settingsOf } from '../topology/expand.ts'
import { refuseMissing } from './seat/refuse-missing.ts'
import { userFrameOf } from './seat/user-frame.ts'

await main()

async function main(): Promise<void> {
  const { order, answer } = await orderOfParent()
  try {
    answer(await inspect(order))
  } catch (error) {
    answer({ error: errorOf(error) })
  }
}

async function inspect(
  order: Readonly<Record<string, unknown>>,
): Promise<{ readonly outline: TopologyOutline; readonly relativePaths: readonly RelativePath[] }> {
  const module = await load(String(order['bundlePath']))
  const args = parseArgs(module, order['args'] ?? undefined)
  const config = order['config'] ?? undefined
  const { topology } = buildTopologyTwice(module as never, { args: args as never, config: config as never })
  const settings = settingsOf(topology)
  refuseMissing(settings)
  // Numbers that do not work out are found here, not by whoever reads the outline.
  expand(topology, settings)
  const outline = outlineOf(String(order['name']), topology, settings)
  return { outline, relativePaths: relativePathsOf(topology) }
}

async function load(path: string): Promise<unknown> {
  return (await createBundleLoader().load(path))['default']
}

/** What is not typed is the user's: it was thrown while his module was loaded or built. */
function errorOf(error: unknown): InspectError {
  const own = isStreamError(error) ? error : threw(error)
  const { code, family, message } = own
  const cause = own.cause instanceof Error ? own.cause : own
  return { code, family, message, where: userFrameOf(cause.stack ?? '', ownCodeUrl) }
}

function threw(error: unknown): UserCodeError {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return new UserCodeError('BUILD_THREW', `the module threw: ${text}`, {}, { cause: error })
}
