/**
 * A module on its way to a cluster: bundled, looked at in a process of its own, uploaded, submitted.
 *
 *   file ─▶ bundle ─▶ outline, by running it in a throw-away process ─▶ two blobs ─▶ submit under a key
 *
 * How it is bundled and looked at is given from outside: this room starts no processes.
 */
import { hasCode, isStreamError } from '../../base/errors.ts'
import type { BlobRef } from '../../cluster/records.ts'
import type { Host } from '../../host/host.ts'
import type { Json } from '../../topology/describe/document.ts'
import type { TopologyOutline } from '../../topology/describe/outline.ts'
import type { Progress } from '../contract.ts'
import { BLOB_PIECE_BYTES_MAX } from '../limits.ts'
import type { PreviewReply, SubmitReply, SubmitRequest } from '../nimbus-api.ts'
import type { NimbusClient } from '../nimbus-client.ts'
import type { SubmitOptions } from './client.ts'
import { freshKey, hex } from './sure-calls.ts'
import { type WaitHost, waitUntil } from './waiting.ts'

export interface InspectSpec {
  /** The module that it was made of. */
  readonly file: string
  /** The bundle as a file. */
  readonly bundlePath: string
  readonly args: Json
  readonly config: Json
  readonly name: string
}

/** What the machine at which a submit begins has to do for it. */
export interface SubmitMachine {
  /** @throws UserCodeError BUNDLE_NOT_POSSIBLE; UsageError BUNDLE_TOO_LARGE */
  bundle(file: string): Promise<Uint8Array>
  /** @throws UsageError any E1, E2; UserCodeError what the module threw, BUILD_TIMED_OUT … */
  inspect(spec: InspectSpec): Promise<TopologyOutline>
}

export interface Submission {
  readonly request: SubmitRequest
  readonly outline: TopologyOutline
  readonly blobs: readonly { readonly ref: BlobRef; readonly bytes: Uint8Array }[]
}

type Report = (progress: Progress) => void

const UPLOAD_MS = 300_000
const SUBMIT_MS = 60_000
const SEEN_WITHIN = '10s'
/** Leaders may end one after the other, but a cluster where three did has other troubles. */
const UPLOADS_AGAIN_MAX = 3

/** Everything that needs no cluster. */
export async function makeSubmission(
  host: Host,
  machine: SubmitMachine,
  file: string,
  options: SubmitOptions,
): Promise<Submission> {
  const bundle = await machine.bundle(file)
  const args = options.args === undefined ? null : plain(options.args)
  const config = plain(options.config ?? {})
  const fallback = options.name ?? stemOf(file)
  const directory = await host.files.makeTemporaryDirectory('typhoon-submit-')
  try {
    const bundlePath = host.files.resolve(directory, 'bundle.mjs')
    await writeWhole(host, bundlePath, bundle)
    const seen = await machine.inspect({ file, bundlePath, args, config, name: fallback })
    // What it was called at submit, else what it calls itself, else its file.
    const name = options.name ?? seen.document.name ?? fallback
    const outline = { ...seen, name }
    const outlineBytes = new TextEncoder().encode(JSON.stringify(outline))
    const blobs = [blobOf(host, bundle), blobOf(host, outlineBytes)] as const
    const request: SubmitRequest = {
      name,
      bundle: blobs[0].ref,
      outline: blobs[1].ref,
      args,
      config,
      isInactive: options.inactive === true,
      idempotencyKey: options.idempotencyKey ?? freshKey(host),
    }
    return { request, outline, blobs }
  } finally {
    await host.files.remove(directory)
  }
}

/** Uploads what the cluster does not have yet. */
export async function upload(nimbus: NimbusClient, submission: Submission, report: Report): Promise<void> {
  const there = new Set((await nimbus.call('blobs', [])).map(({ digest }) => digest))
  const total = submission.blobs.reduce((sum, { ref }) => sum + ref.sizeBytes, 0)
  let done = 0
  for (const { ref, bytes } of submission.blobs) {
    report({ step: 'upload', done, total, unit: 'bytes' })
    if (!there.has(ref.digest)) {
      await nimbus.call('writeBlob', [ref.digest, bytes], { timeoutMs: UPLOAD_MS })
    }
    done += ref.sizeBytes
  }
  report({ step: 'upload', done, total, unit: 'bytes' })
}

/**
 * The request has a key, so whoever is unsure whether it arrived asks again. Resolves when the topology
 * can be asked for: the board is read a moment after it was written.
 */
export async function submit(
  nimbus: NimbusClient,
  host: WaitHost,
  submission: Submission,
): Promise<SubmitReply> {
  const options = { timeoutMs: SUBMIT_MS, isRepeatable: true }
  const reply = await withBlobs(nimbus, submission, () => {
    return nimbus.call('submit', [submission.request], options)
  })
  const what = `the record of ${reply.name}`
  await waitUntil(host, what, { timeout: SEEN_WITHIN }, () =>
    nimbus.call('topology', [reply.name]).catch((error: unknown) => {
      if (hasCode(error, 'TOPOLOGY_NOT_FOUND')) return undefined
      throw error
    }),
  )
  return reply
}

export async function preview(nimbus: NimbusClient, submission: Submission): Promise<PreviewReply> {
  return await withBlobs(nimbus, submission, () => {
    return nimbus.call('preview', [submission.request], { timeoutMs: SUBMIT_MS })
  })
}

/** Who leads now may not be who took the blobs, and that one may be gone: they are uploaded again. */
async function withBlobs<R>(
  nimbus: NimbusClient,
  submission: Submission,
  call: () => Promise<R>,
): Promise<R> {
  for (let uploadsAgain = 0; ; uploadsAgain += 1) {
    try {
      return await call()
    } catch (error) {
      if (uploadsAgain === UPLOADS_AGAIN_MAX || !isBlobMissing(error)) throw error
      await upload(nimbus, submission, () => undefined)
    }
  }
}

function isBlobMissing(error: unknown): boolean {
  return isStreamError(error) && error.code === 'BUNDLE_INVALID' && error.details['missing'] !== undefined
}

/** A blob, piece by piece. */
export async function download(nimbus: NimbusClient, digest: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let haveBytes = 0
  for (;;) {
    const args = [digest, haveBytes, BLOB_PIECE_BYTES_MAX] as const
    const piece = await nimbus.call('readBlob', [...args], { timeoutMs: UPLOAD_MS })
    pieces.push(piece)
    haveBytes += piece.length
    if (piece.length < BLOB_PIECE_BYTES_MAX) break
  }
  const whole = new Uint8Array(haveBytes)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

export function digestOf(host: Pick<Host, 'digest'>, bytes: Uint8Array): string {
  return hex(host.digest('sha256', bytes))
}

function stemOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1).replace(/\.[^.]+$/, '')
}

function blobOf(host: Host, bytes: Uint8Array): { readonly ref: BlobRef; readonly bytes: Uint8Array } {
  return { ref: { digest: digestOf(host, bytes), sizeBytes: bytes.length }, bytes }
}

async function writeWhole(host: Host, path: string, bytes: Uint8Array): Promise<void> {
  const file = await host.files.open(path, 'create')
  try {
    await file.write(bytes, 0)
  } finally {
    await file.close()
  }
}

/** As it will arrive: JSON has no undefined, no functions, no prototypes. */
function plain(value: object): Json {
  return JSON.parse(JSON.stringify(value))
}
