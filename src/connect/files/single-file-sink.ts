/** Sinks that append lines to one file; with several tasks, one file per task. */
import { UsageError, UserCodeError } from '../../base/errors.ts'
import type { ComponentConfig } from '../../config/topology-config.ts'
import type { Host } from '../../host/host.ts'
import type { TopologyContext } from '../../topology/context.ts'
import { definitionOf, published } from '../../topology/definition.ts'
import { type Sink, type SinkRecovery, transactionalSink } from '../../topology/sink.ts'
import { jsonLine } from './record-format.ts'
import { nameOf } from './write/disk-steps.ts'
import { SingleFile, type SingleFileReceipt, type SingleFileTransaction } from './write/single-file.ts'

/** Options of single-file sinks. */
export interface SingleFileOptions extends ComponentConfig {
  /** Put what is written on disk for sure before acking (fsync). Default true. */
  readonly sync?: boolean
}

/**
 * One JSON value per line, appended to one file; with several tasks, one file per task (`alerts-2.jsonl`).
 * Under `exactly-once` lines appear at each checkpoint, and a crash leaves neither half nor double lines.
 * For volume use `fileSink`.
 */
export function jsonFileSink(path: string, options: SingleFileOptions = {}): Sink<unknown, 'transactional'> {
  return singleFileSink('jsonFileSink', path, options, jsonLine)
}

/** The same for lines of text. */
export function textFileSink<T = string>(
  path: string,
  options: SingleFileOptions & { readonly line?: (item: T) => string } = {},
): Sink<T, 'transactional'> {
  const { line, ...rest } = options
  const encode = line === undefined ? textLine : (item: T): string => `${line(item)}\n`
  return singleFileSink('textFileSink', path, rest, encode)
}

/** What is text already, and what has one obvious text. */
function textLine(item: unknown): string {
  if (typeof item === 'string') return `${item}\n`
  if (typeof item === 'number' || typeof item === 'bigint' || typeof item === 'boolean') return `${item}\n`
  throw new UserCodeError('VALUE_INVALID', 'textFileSink got an item that is no text: give it line')
}

/** Files of a task: its own, and what tasks before have left that nobody else looks after. */
interface TaskFiles {
  readonly own: SingleFile
  readonly left: (taskCountBefore: number) => readonly SingleFile[]
  readonly of: (path: string) => SingleFile
}

function singleFileSink<T>(
  maker: string,
  path: string,
  options: SingleFileOptions,
  encode: (item: T) => string,
): Sink<T, 'transactional'> {
  if (typeof path !== 'string' || path === '' || path.endsWith('/')) {
    throw new UsageError('CONFIG_INVALID_VALUE', `${maker} needs the path of a file`)
  }
  const { sync = true, ...settings } = options
  return withHost(path, (host) =>
    transactionalSink<T, SingleFileTransaction, SingleFileReceipt, TaskFiles>({
      ...settings,
      open: (context) => taskFiles(host(), path, sync, context),
      begin: (checkpoint, files) => files.own.begin(checkpoint),
      write: (transaction, items, files) =>
        files.own.write(transaction, new TextEncoder().encode(items.map(encode).join(''))),
      prepare: (transaction, files) => files.own.prepare(transaction),
      commit: (receipt, files) => files.of(receipt.path).commit(receipt),
      rollBack: (transaction, files) => files.own.rollBack(transaction),
      recover: (found, files) => recover(found, files),
    }),
  )
}

async function recover(found: SinkRecovery<SingleFileReceipt>, files: TaskFiles): Promise<void> {
  await files.own.recover(found.receipts)
  for (const file of files.left(found.taskCountBefore)) await file.recover(found.receipts)
}

function taskFiles(host: Host, path: string, sync: boolean, context: TopologyContext): TaskFiles {
  const { taskIndex, taskCount } = context
  const keepsDone = context.config.guarantee === 'exactly-once'
  const fileAt = (absolute: string): SingleFile => new SingleFile({ host, path: absolute, sync, keepsDone })
  const pathOf = (index: number, count: number): string => host.files.resolve(pathOfTask(path, index, count))
  const ownPath = pathOf(taskIndex, taskCount)
  const own = fileAt(ownPath)
  return {
    own,
    of: (absolute) => (absolute === ownPath ? own : fileAt(absolute)),
    left: (taskCountBefore) => {
      if (taskIndex !== 0) return []
      const owned = new Set(indexes(taskCount).map((index) => pathOf(index, taskCount)))
      const before = indexes(taskCountBefore).map((index) => pathOf(index, taskCountBefore))
      return before.filter((each) => !owned.has(each)).map(fileAt)
    },
  }
}

/** `alerts.jsonl` of one task; `alerts-1.jsonl`, `alerts-2.jsonl` … of several. */
export function pathOfTask(path: string, taskIndex: number, taskCount: number): string {
  if (taskCount === 1) return path
  const name = nameOf(path)
  const dot = name.lastIndexOf('.')
  const stem = dot > 0 ? name.slice(0, dot) : name
  return `${path.slice(0, path.length - name.length)}${stem}-${taskIndex + 1}${name.slice(stem.length)}`
}

function indexes(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/**
 * A sink whose functions need a host, which the engine brings by `bindHost` before it calls any of them.
 * @param path what it writes to, as the user named it
 * @param make makes the sink; `host` throws until one was brought
 */
export function withHost<T>(
  path: string,
  make: (host: () => Host) => Sink<T, 'transactional'>,
): Sink<T, 'transactional'> {
  const unbound = (): never => {
    throw new UsageError('CONFIG_INVALID_VALUE', 'a file sink was not bound to a host before it was opened')
  }
  const definition = definitionOf(make(unbound))
  if (definition?.kind !== 'bolt' || definition.sinkKind !== 'transactional') return unbound()
  const bindHost = (host: Host): typeof definition.spec => {
    const bound = definitionOf(make(() => host))
    if (bound?.kind !== 'bolt' || bound.sinkKind !== 'transactional') return unbound()
    return bound.spec
  }
  return published({ ...definition, spec: { ...definition.spec, paths: [path], bindHost } })
}
