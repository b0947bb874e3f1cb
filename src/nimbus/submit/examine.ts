/**
 * Everything that is looked at before a topology may run, in the order of its cost: the request itself, its
 * blobs, its outline, and last the module in a throw-away child. Nothing is written.
 */
import { isErrorCode } from '../../base/error-codes.ts'
import { FormatError, hasCode, UsageError } from '../../base/errors.ts'
import type { BlobRef } from '../../cluster/records.ts'
import type { SubmitRequest } from '../../rpc/nimbus-api.ts'
import type { TopologyOutline } from '../../topology/describe/outline.ts'
import type { RelativePath } from '../../topology/describe/relative-paths.ts'
import type { Desk } from '../api/desk.ts'
import { judgeOutline, type Refusal } from './judge-outline.ts'
import { checkKey, checkName } from './name-rules.ts'
import { OUTLINE_BYTES_MAX, outlineText, parseOutline } from './outline-check.ts'

const INSPECT_TEXT_MAX = 4_000
const PRINTED_MAX = 200
const PATH_MAX = 150

export interface Examined {
  readonly outline: TopologyOutline
  /** What keeps it from running here. */
  readonly refusals: readonly Refusal[]
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
}

/** @throws UsageError REQUEST_INVALID, BUNDLE_TOO_LARGE; FormatError BUNDLE_INVALID */
export async function examine(desk: Desk, request: SubmitRequest): Promise<Examined> {
  checkName(request.name)
  if (request.idempotencyKey !== undefined) checkKey(request.idempotencyKey)
  await checkBundle(desk, request.bundle)
  const outline = await readOutline(desk, request.outline)
  const refusals = judgeOutline(outline, request.config, desk.settings)
  if (refusals.length > 0) return { outline, refusals, warnings: [] }
  return inspect(desk, request, outline)
}

async function checkBundle(desk: Desk, bundle: BlobRef): Promise<void> {
  const { bundleBytesMax } = desk.settings
  if (bundle.sizeBytes > bundleBytesMax) throw tooLarge(bundle.sizeBytes, bundleBytesMax)
  await checkBlob(desk, bundle, 'bundle')
}

export function tooLarge(sizeBytes: number, bytesMax: number): UsageError {
  const text = `the bundle has ${sizeBytes} bytes, nimbus.bundle.max.mb allows ${bytesMax}`
  return new UsageError('BUNDLE_TOO_LARGE', text, { sizeBytes, bytesMax })
}

/** @throws FormatError BUNDLE_INVALID it is not here, or another size */
export async function checkBlob({ blobs, sync }: Desk, ref: BlobRef, what: string): Promise<void> {
  let size: number | undefined
  try {
    // Any Nimbus takes uploads, and the leadership may have changed since.
    if (await sync.obtain(ref)) size = await blobs.sizeOf(ref.digest)
  } catch (error) {
    if (!hasCode(error, 'BLOB_MISSING')) throw error
  }
  if (size === undefined) {
    const text = `the ${what} ${ref.digest.slice(0, 12)}… is not here: upload it before the submit`
    // Clients upload again by this: the one that took it may be gone.
    throw new FormatError('BUNDLE_INVALID', text, { digest: ref.digest, missing: what })
  }
  if (size !== ref.sizeBytes) {
    const name = `${what} ${ref.digest.slice(0, 12)}…`
    const text = `the ${name} has ${size} bytes, the request says ${ref.sizeBytes}`
    throw new FormatError('BUNDLE_INVALID', text, { digest: ref.digest })
  }
}

async function readOutline(desk: Desk, ref: BlobRef): Promise<TopologyOutline> {
  if (ref.sizeBytes > OUTLINE_BYTES_MAX) {
    const text = `the outline has ${ref.sizeBytes} bytes, at most ${OUTLINE_BYTES_MAX} are taken`
    throw new UsageError('REQUEST_TOO_LARGE', text, { sizeBytes: ref.sizeBytes })
  }
  await checkBlob(desk, ref, 'outline')
  return parseOutline(await desk.blobs.read(ref.digest, 0, ref.sizeBytes))
}

/** It is built twice, so what it prints mostly stands there twice. */
function once(text: string): string {
  const lines = text.split('\n')
  const half = lines.slice(0, lines.length / 2).join('\n')
  return `${half}\n${half}` === text ? half : text
}

/** A module that prints while it is built will do so in every worker: said, not refused. */
function printed(output: string): Examined['warnings'] {
  if (output.trim() === '') return []
  const text = once(output.trim()).slice(0, PRINTED_MAX)
  return [{ code: 'MODULE_PRINTS', message: `the module prints while it is built: ${text}` }]
}

/** What was a file beside whoever submits is none in the directory of a worker. */
function elsewhere(paths: readonly RelativePath[]): Examined['warnings'] {
  return paths.map(({ component, path }) => {
    const name = `${component.slice(0, PATH_MAX)} uses '${path.slice(0, PATH_MAX)}'`
    const message = `${name}: a worker looks for it in its own directory; give an absolute path`
    return { code: 'RELATIVE_PATH', message }
  })
}

/** The module says itself what it is; what was sent beside it must be the same. */
async function inspect(desk: Desk, request: SubmitRequest, outline: TopologyOutline): Promise<Examined> {
  const answer = await desk.inspect({
    bundlePath: desk.blobs.path(request.bundle.digest),
    args: request.args,
    config: request.config,
    name: request.name,
  })
  if (!answer.isOk) {
    const { code: found, message, where } = answer.error
    const code = isErrorCode(found) ? found : 'BUNDLE_INVALID'
    const text = where === undefined ? message : `${message} (${where})`
    return { outline, refusals: [{ code, message: text.slice(0, INSPECT_TEXT_MAX) }], warnings: [] }
  }
  if (outlineText(answer.outline) === outlineText(outline)) {
    return {
      outline,
      refusals: [],
      warnings: [...elsewhere(answer.relativePaths), ...printed(answer.output)],
    }
  }
  const message =
    'the bundle builds another graph than the outline sent with it; build must give the same wherever it runs'
  return { outline, refusals: [{ code: 'BUILD_NOT_REPEATABLE', message }], warnings: [] }
}
