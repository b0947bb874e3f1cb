/** A sink that writes part files. */
import { UsageError } from '../../base/errors.ts'
import { parseByteSize, parseDuration } from '../../config/duration.ts'
import type { ByteSize, ComponentConfig, Duration } from '../../config/topology-config.ts'
import type { Host } from '../../host/host.ts'
import type { TopologyContext } from '../../topology/context.ts'
import { type Sink, transactionalSink } from '../../topology/sink.ts'
import { bytesOf, type RecordFormat } from './record-format.ts'
import { withHost } from './single-file-sink.ts'
import type { PartReceipt } from './write/part-file.ts'
import { PartFiles, type PartTransaction } from './write/part-files.ts'
import { PartJournal } from './write/part-journal.ts'
import { PartNames } from './write/part-names.ts'
import { ShownList } from './write/shown-list.ts'

/** When a part file is finished and the next one begun: whichever comes first. */
export interface Rotation {
  /** Default `'128MiB'`. */
  readonly size?: ByteSize
  /** Since the file was begun. Default `'1h'`. */
  readonly age?: Duration
  /** Without a new item. Default `'10m'`. */
  readonly idle?: Duration
}

/** Options of sinks that write part files. */
export interface PartFileOptions<T> extends ComponentConfig {
  readonly directory: string
  readonly format: RecordFormat<T>
  readonly rotation?: Rotation
  /** Sub-directory of an item, for example by day. Default: none. At most `openMax` are open per task. */
  readonly bucket?: (item: T, eventTime: number | undefined) => string
  /** Default 64. Reached: the one longest unused is finished. */
  readonly openMax?: number
  /**
   * First part of file names. Default: the component's id. Whole name:
   * `<prefix>-<task>-<number>.<extension>`.
   */
  readonly prefix?: string
  /** Gzip files as they are written. Default false. */
  readonly gzip?: boolean
}

const OPEN_MAX = 64

interface Compiled<T> {
  readonly directory: string
  readonly format: RecordFormat<T>
  readonly extension: string
  readonly rotateBytes: number
  readonly rotateAgeMs: number
  readonly rotateIdleMs: number
  readonly openMax: number
  readonly prefix: string | undefined
  readonly gzip: boolean
  readonly bucket: ((item: T, eventTime: number | undefined) => string) | undefined
}

/**
 * Part files in a directory. Written under a hidden name, and renamed when finished and committed, so a
 * file with its final name is whole and never changes.
 */
export function fileSink<T>(options: PartFileOptions<T>): Sink<T, 'transactional'> {
  const { directory, format, rotation, bucket, openMax, prefix, gzip, ...settings } = options
  const compiled = compile(options)
  return withHost(directory, (host) =>
    transactionalSink<T, PartTransaction, PartReceipt, TaskParts<T>>({
      ...settings,
      open: (context) => new TaskParts(compiled, host(), context),
      begin: (_checkpoint, task) => task.parts.begin(),
      // The engine hands the items' event times in behind what the public type shows.
      write: (_transaction, items, task, ...times: readonly unknown[]) => task.write(items, times[0]),
      prepare: (transaction, task) => task.parts.prepare(transaction),
      commit: (receipt, task) => task.parts.commit(receipt),
      rollBack: (transaction, task) => task.parts.rollBack(transaction),
      recover: (found, task) => task.recover(found.receipts),
      close: (task) => task.parts.close(),
    }),
  )
}

/** One task's part files, and how its items become bytes. */
class TaskParts<T> {
  readonly parts: PartFiles
  private readonly compiled: Compiled<T>
  private readonly context: TopologyContext

  constructor(compiled: Compiled<T>, host: Host, context: TopologyContext) {
    this.compiled = compiled
    this.context = context
    const { format, extension, rotateBytes, rotateAgeMs, rotateIdleMs, openMax, gzip } = compiled
    const { files } = host
    const directory = files.resolve(compiled.directory)
    const prefix = compiled.prefix ?? context.component
    const task = context.taskIndex + 1
    const journal =
      context.config.guarantee === 'exactly-once'
        ? undefined
        : new PartJournal(files, files.resolve(directory, `.${prefix}-${task}.receipt`))
    this.parts = new PartFiles({
      host,
      names: new PartNames({ files, directory, prefix, extension, task }),
      header: bytesOf(format.header?.() ?? ''),
      footer: bytesOf(format.footer?.() ?? ''),
      gzip,
      rotateBytes,
      rotateAgeMs,
      rotateIdleMs,
      openMax,
      journal,
      shown: new ShownList(files, directory, prefix, task),
    })
  }

  write(items: readonly T[], times: unknown): Promise<void> {
    const { bucket, format } = this.compiled
    const timeOf = Array.isArray(times) ? (index: number) => numberOrNothing(times[index]) : () => undefined
    const pieces = new Map<string, Uint8Array[]>()
    let textBucket = ''
    let text = ''
    const encoder = new TextEncoder()
    const put = (to: string, bytes: Uint8Array): void => {
      const list = pieces.get(to)
      if (list === undefined) pieces.set(to, [bytes])
      else list.push(bytes)
    }
    const endText = (): void => {
      if (text !== '') put(textBucket, encoder.encode(text))
      text = ''
    }
    for (const [index, item] of items.entries()) {
      const to = bucket === undefined ? '' : bucket(item, timeOf(index))
      const encoded = format.encode(item)
      // Texts of neighbours are encoded together.
      if (typeof encoded !== 'string' || to !== textBucket) endText()
      textBucket = to
      if (typeof encoded === 'string') text += encoded
      else put(to, encoded)
    }
    endText()
    return this.parts.write(pieces)
  }

  recover(receipts: readonly PartReceipt[]): Promise<void> {
    const { taskIndex, taskCount } = this.context
    return this.parts.recover(receipts, taskIndex === 0 ? taskCount : undefined)
  }
}

function numberOrNothing(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

/** @throws UsageError CONFIG_INVALID_VALUE */
function compile<T>(options: PartFileOptions<T>): Compiled<T> {
  const { directory, format, rotation = {}, bucket, openMax = OPEN_MAX, prefix, gzip = false } = options
  if (typeof directory !== 'string' || directory === '') throw refused('directory is missing')
  if (typeof format?.encode !== 'function' || !/^[\w][\w.]*$/.test(format.extension)) {
    throw refused('format needs encode and an extension of letters, digits and dots')
  }
  if (prefix !== undefined && !/^[^./][^/]*$/.test(prefix)) {
    throw refused(`prefix is '${prefix}', wanted a name without slashes that does not begin with a dot`)
  }
  if (!Number.isInteger(openMax) || openMax < 1)
    throw refused(`openMax is ${openMax}, wanted a whole number from 1`)
  if (bucket !== undefined && typeof bucket !== 'function') throw refused('bucket must be a function')
  return {
    directory,
    format,
    extension: gzip ? `${format.extension}.gz` : format.extension,
    rotateBytes: parseByteSize(rotation.size ?? '128MiB', 'fileSink: rotation.size'),
    rotateAgeMs: parseDuration(rotation.age ?? '1h', 'fileSink: rotation.age'),
    rotateIdleMs: parseDuration(rotation.idle ?? '10m', 'fileSink: rotation.idle'),
    openMax,
    prefix,
    gzip,
    bucket,
  }
}

function refused(what: string): UsageError {
  return new UsageError('CONFIG_INVALID_VALUE', `fileSink: ${what}`)
}
