/**
 * What all file sources have in common: options made numbers, files as partitions, and a host that comes
 * later.
 *
 * Route: textLines, jsonLines, csvRows → here → a replayable source whose `bindHost` the engine calls once
 * per task.
 */
import { UsageError } from '../../base/errors.ts'
import { parseByteSize, parseDuration } from '../../config/duration.ts'
import type { ByteSize, ComponentConfig, Duration, EventTime } from '../../config/topology-config.ts'
import type { Host } from '../../host/host.ts'
import type { TopologyContext } from '../../topology/context.ts'
import type { RuntimeReplayableSpoutSpec, StreamSchema } from '../../topology/definition.ts'
import { settingsIn, specOf } from '../../topology/make/expect.ts'
import type { InvalidAction } from '../../topology/schema/schema.ts'
import { replayableSource, type Source } from '../../topology/spout.ts'
import { positionOf } from './read/file-position.ts'
import { matchFiles } from './read/glob.ts'
import { type FileReadSpec, readFile } from './read/read-file.ts'

/** Options of every file source. */
export interface FileSourceOptions<T> extends ComponentConfig {
  readonly eventTime?: EventTime<T>
  /**
   * Go on when the end is reached, and take up new files of the pattern. Default: the source is finished.
   */
  readonly follow?: boolean
  /** Where a file begins that has no position yet. Default `beginning`. */
  readonly from?: 'beginning' | 'end'
  /** Longest record. Longer: FRAME_TOO_LARGE, then as `onInvalid`. Default `'1MiB'`. */
  readonly recordMax?: ByteSize
  /**
   * Time between two looks for new files and new bytes, with `follow`. Default `'1s'`; changes are usually
   * seen at once.
   */
  readonly lookEvery?: Duration
}

/** Options of file sources that decode. */
export interface DecodingFileOptions<T> extends FileSourceOptions<T> {
  /** What to do with a record that does not decode or fit. Default `fail`. */
  readonly onInvalid?: InvalidAction
}

/**
 * How a kind of source reads a file: what `readFile` needs beyond what is common. Made anew for each file.
 */
export interface RecordForm extends Pick<FileReadSpec, 'decoder' | 'onHeader' | 'isQuoted'> {}

/** A kind of file source. */
export interface FileSourceKind<T> {
  /** For messages: the name of the function that users call. */
  readonly maker: string
  readonly path: string | readonly string[]
  readonly options: DecodingFileOptions<T>
  readonly output: StreamSchema
  readonly form: () => RecordForm
}

const RECORD_MAX: ByteSize = '1MiB'
const LOOK_EVERY: Duration = '1s'
/** Bytes of a record where nothing was read yet, for the lag. */
const RECORD_BYTES_GUESS = 100

/** Options that are no component settings. */
const OWN = ['eventTime', 'follow', 'from', 'recordMax', 'lookEvery', 'onInvalid']

/** @throws UsageError CONFIG_INVALID_VALUE */
export function fileSource<T>(kind: FileSourceKind<T>): Source<T, 'replayable'> {
  const settings = compile(kind)
  const eventTime = kind.options.eventTime
  return replayableSource<T>({
    output: kind.output,
    settings: settingsIn(specOf(kind.maker, kind.options), OWN),
    eventTime: eventTime === undefined ? undefined : { ...eventTime, of: ofItem(eventTime) },
    spec: specWithoutHost(kind.maker, settings),
  })
}

/** The engine asks with items whose type it does not know; they are those of this source. */
function ofItem<T>(eventTime: EventTime<T>): (item: unknown) => number {
  return (item) => eventTime.of(item as T)
}

interface Settings {
  readonly patterns: readonly string[]
  readonly follow: boolean
  readonly startsAtEnd: boolean
  readonly recordBytesMax: number
  readonly lookEvery: Duration
  readonly lookEveryMs: number
  readonly onInvalid: InvalidAction
  readonly form: () => RecordForm
}

function compile<T>({ maker, path, options, form }: FileSourceKind<T>): Settings {
  const patterns = Array.isArray(path) ? [...path] : [path]
  if (patterns.length === 0 || patterns.some((pattern) => typeof pattern !== 'string' || pattern === '')) {
    throw refused(`${maker} needs a path, a pattern, or a list of them`)
  }
  const { from = 'beginning', onInvalid = 'fail', lookEvery = LOOK_EVERY } = options
  if (from !== 'beginning' && from !== 'end') {
    throw refused(`${maker}: from is '${String(from)}', wanted 'beginning' or 'end'`)
  }
  if (onInvalid !== 'fail' && onInvalid !== 'skip' && onInvalid !== 'dead-letter') {
    throw refused(`${maker}: onInvalid is '${String(onInvalid)}', wanted 'fail', 'skip' or 'dead-letter'`)
  }
  const recordBytesMax = parseByteSize(options.recordMax ?? RECORD_MAX, `${maker}: recordMax`)
  const lookEveryMs = parseDuration(lookEvery, `${maker}: lookEvery`)
  if (recordBytesMax < 1) throw refused(`${maker}: recordMax is 0, wanted at least 1 byte`)
  if (lookEveryMs < 1) throw refused(`${maker}: lookEvery is below 1 ms`)
  return {
    patterns,
    follow: options.follow ?? false,
    startsAtEnd: from === 'end',
    recordBytesMax,
    lookEvery,
    lookEveryMs,
    onInvalid,
    form,
  }
}

function specWithoutHost(maker: string, settings: Settings): RuntimeReplayableSpoutSpec {
  const unbound = (): never => {
    throw new UsageError('CONFIG_INVALID_VALUE', `${maker} was not bound to a host before it was read`)
  }
  return {
    partitions: unbound,
    read: unbound,
    paths: settings.patterns,
    // Without `follow`, files that come later are not read, so nobody needs to look for them.
    partitionRefresh: settings.follow ? settings.lookEvery : '1h',
    bindHost: (host: Host) => boundSpec(host, settings),
  }
}

function boundSpec(host: Host, settings: Settings): RuntimeReplayableSpoutSpec {
  const files = new SourceFiles(host, settings)
  return {
    partitions: (context) => files.partitions(context),
    partitionRefresh: settings.follow ? settings.lookEvery : '1h',
    read: (partition, after, signal) => files.read(partition, after, signal),
    lag: (partition, position) => files.lag(partition, position),
  }
}

class SourceFiles {
  private readonly host: Host
  private readonly settings: Settings
  /** Files that were there when this task looked first: with `from: 'end'`, only these begin at their end. */
  private first: Promise<readonly string[]> | undefined

  constructor(host: Host, settings: Settings) {
    this.host = host
    this.settings = settings
  }

  async partitions(context: TopologyContext): Promise<readonly string[]> {
    const isFirst = this.first === undefined
    this.first ??= this.look()
    // Without `follow`, what was there at first is what is read: a file that comes later is not of this run.
    const paths = isFirst || !this.settings.follow ? await this.first : await this.look()
    if (isFirst && paths.length === 0) {
      const { patterns, follow } = this.settings
      const what = follow ? 'it waits for them' : 'the source is finished'
      context.log.warn(`no files match ${patterns.join(', ')}: ${what}`)
    }
    return paths
  }

  async *read(path: string, position: unknown, signal: AbortSignal): ReturnType<typeof readFile> {
    const { startsAtEnd, ...settings } = this.settings
    const after = positionOf(position)
    const wasThere = startsAtEnd && after === undefined && (await this.wasThereAtFirst(path))
    yield* readFile({
      host: this.host,
      path,
      after,
      startsAtEnd: wasThere,
      follow: settings.follow,
      lookEveryMs: settings.lookEveryMs,
      recordBytesMax: settings.recordBytesMax,
      onInvalid: settings.onInvalid,
      signal,
      ...settings.form(),
    })
  }

  /** Records that may still follow, reckoned from the bytes that do. Unknown (NaN) in gzip files. */
  async lag(path: string, position: unknown): Promise<number> {
    if (path.endsWith('.gz')) return Number.NaN
    const sizeBytes = (await this.host.files.stat(path))?.sizeBytes ?? 0
    const { byte, line } = positionOf(position) ?? { byte: 0, line: 0 }
    const recordBytes = line > 0 ? byte / line : RECORD_BYTES_GUESS
    return Math.ceil(Math.max(0, sizeBytes - byte) / recordBytes)
  }

  private async wasThereAtFirst(path: string): Promise<boolean> {
    this.first ??= this.look()
    return (await this.first).includes(path)
  }

  private async look(): Promise<readonly string[]> {
    const { patterns, follow } = this.settings
    const found = new Set<string>()
    for (const pattern of patterns) {
      const { paths } = await matchFiles(this.host.files, pattern, follow)
      for (const path of paths) found.add(path)
    }
    return [...found].sort()
  }
}

function refused(message: string): UsageError {
  return new UsageError('CONFIG_INVALID_VALUE', message)
}
