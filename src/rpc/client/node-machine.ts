/** What submits need of a real machine: esbuild, and a throw-away process that builds the topology. */
import type { ErrorCode } from '../../base/error-codes.ts'
import { isErrorCode } from '../../base/error-codes.ts'
import { type StreamError, UsageError, UserCodeError } from '../../base/errors.ts'
import { bundleModule, placeInSources } from '../../host/node-bundler.ts'
import { inspectBundle } from '../../host/node-inspect.ts'
import { type InspectError, inspectResultOf } from '../../topology/describe/inspect-result.ts'
import type { SubmitMachine } from './submission.ts'

/** Nimbus has a limit of its own; what is longer than this need not be sent. */
const BUNDLE_BYTES_MAX = 64 * 1024 * 1024
const BUILD_MS = 60_000
const HEAP_MB = 512
/** Built or not, the main of the other process is in the same form as this file. */
const MAIN = new URL(
  `../../worker/inspect-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
)

export function createSubmitMachine(): SubmitMachine {
  return {
    bundle: (file) => bundleModule({ file, bytesMax: BUNDLE_BYTES_MAX }),
    inspect: async ({ file, bundlePath, args, config, name }) => {
      const mainPath = MAIN.pathname
      const limits = { timeoutMs: BUILD_MS, heapMb: HEAP_MB }
      const result = await inspectBundle(
        { mainPath, bundlePath, args, config, name, ...limits },
        inspectResultOf,
      )
      if (result.isOk) return result.outline
      const { where } = result.error
      const place = where === undefined ? undefined : placeInSources(where, bundlePath, file)
      throw errorOf({ ...result.error, where: place }, result.output)
    },
  }
}

/** As it was thrown in the other process; what it had printed helps who looks for the reason. */
function errorOf({ code, family, message, where }: InspectError, output: string): StreamError {
  const printed = output.trim() === '' ? {} : { output: output.trim().slice(-2_000) }
  const details = { ...(where === undefined ? {} : { where }), ...printed }
  // A code of another version is a name all the same.
  const known = (isErrorCode(code) ? code : 'BUILD_ENDED') satisfies ErrorCode
  return family === 'usage'
    ? new UsageError(known, message, details)
    : new UserCodeError(known, message, details)
}
