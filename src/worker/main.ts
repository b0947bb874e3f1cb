/**
 * The process of a worker: `node …/worker/main.js`, started by a supervisor, which says by the environment
 * where it listens and what to show it (cluster/seat-environment.ts). Nothing in its arguments: everybody can
 * read those.
 *
 * Everything the engine consists of is imported before it says HELLO, so that a spare has only a topology to
 * load when it is given one.
 *
 *   SIGTERM, SIGINT   drained and stopped in good order, exit 0; again: at once
 */
import { createLogger, type LogLine } from '../base/log.ts'
import { SeatVariable } from '../cluster/seat-environment.ts'
import { importerFor } from '../host/cli/node-cli-modules.ts'
import { createNodeHost } from '../host/node-host.ts'
import { nodeProcesses } from '../host/node-processes.ts'
import { onEndRequested } from '../host/node-signals.ts'
import { createBundleLoader, keepCompiled, ownCodeUrl } from '../host/worker/node-bundle-loader.ts'
import { nodeLogOut } from '../host/worker/node-log-out.ts'
import { createWorkerNet } from '../host/worker/node-worker-net.ts'
import { createNodeWorkerProbe } from '../host/worker/node-worker-probe.ts'
import { nodeWorkerSurroundings } from '../host/worker/node-worker-surroundings.ts'
import { LogFile } from './log-file.ts'
import { LevelBook } from './seat/level-book.ts'
import { WorkerProcess } from './worker-process.ts'

/** As supervisor.worker.shutdown.sleep.secs is by default: after it a supervisor kills. */
const SIGTERM_GRACE_MS = 3_000

await main()

async function main(): Promise<void> {
  const surroundings = nodeWorkerSurroundings()
  const controlPath = surroundings.take(SeatVariable.CONTROL_PATH)
  const secret = surroundings.take(SeatVariable.SECRET)
  const tls = surroundings.take(SeatVariable.TLS)
  if (controlPath === undefined || secret === undefined) {
    surroundings.complain('a worker is started by its supervisor, not by hand: its environment is missing')
    surroundings.exit(2)
    return
  }
  const plain = createNodeHost()
  const host = tls === undefined ? plain : { ...plain, net: createWorkerNet(JSON.parse(tls)) }
  keepCompiled(host.files.resolve(controlPath, '..', 'compile-cache'))
  const bundles = createBundleLoader()
  await bundles.preload('typhoon')
  const levels = new LevelBook('info', () => host.clock.monotonicMs())
  let file: LogFile | undefined
  const log = createLogger({
    // Before it has a seat it has no directory: what a spare says goes where its supervisor put its output.
    sink: (line: LogLine) =>
      file === undefined ? surroundings.complain(JSON.stringify(line)) : file.write(line),
    now: () => host.clock.now(),
    isOn: (level, fields) => levels.isOn(level, fields),
  })
  const worker = new WorkerProcess({
    host,
    dialControl: async () => surroundings.addressIn(controlPath),
    secret,
    ...nodeProcesses.self,
    loadTopology: async (path) => (await bundles.load(path))['default'],
    loadModule: (bundlePath) => importerFor(bundlePath),
    probe: createNodeWorkerProbe(),
    log,
    levels,
    ownCode: ownCodeUrl,
    exit: (code) => surroundings.exit(code),
    onSeated: ({ directory }) => {
      file = new LogFile({ out: nodeLogOut, path: host.files.resolve(directory, 'worker.log') })
    },
  })
  surroundings.onUncaught((error, kind) => worker.onUncaught(error, kind))
  onEndRequested(
    () => worker.stop(SIGTERM_GRACE_MS),
    () => worker.stopNow(),
  )
  worker.start()
}
