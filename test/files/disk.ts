/** What the suites of this folder share: contexts, hosts, and reading and writing through definitions. */
import type { Files, Host, OpenFile } from '../../src/host/host.ts'
import type { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import type { TopologyContext } from '../../src/topology/context.ts'
import {
  definitionOf,
  type RuntimeReplayableSpoutSpec,
  type RuntimeTransactionalSinkSpec,
} from '../../src/topology/definition.ts'

export interface Warned extends TopologyContext {
  readonly warnings: string[]
}

/** A context with what connectors look at. */
export function contextOf(change: Partial<TopologyContext> = {}): Warned {
  const warnings: string[] = []
  const ignore = (): void => undefined
  const log = { debug: ignore, info: ignore, warn: (text: string) => warnings.push(text), error: ignore }
  const given = { component: 'archive', task: 7, taskIndex: 0, taskCount: 1, config: {}, log, warnings }
  return { ...given, ...change } as unknown as Warned
}

export const exactlyOnce = { config: { guarantee: 'exactly-once' } } as const

export function sourceOn(source: unknown, host: Host): RuntimeReplayableSpoutSpec {
  const definition = definitionOf(source)
  if (definition?.kind !== 'spout' || definition.form !== 'replayable')
    throw new Error('no replayable source')
  const bound = definition.spec.bindHost?.(host as never)
  if (bound === undefined) throw new Error('no bindHost')
  return bound
}

export function sinkOn(sink: unknown, host: Host): RuntimeTransactionalSinkSpec {
  const definition = definitionOf(sink)
  if (definition?.kind !== 'bolt' || definition.sinkKind !== 'transactional')
    throw new Error('no transactional sink')
  const bound = definition.spec.bindHost?.(host as never)
  if (bound === undefined) throw new Error('no bindHost')
  return bound
}

/** An item as a source gives it. */
export interface Item {
  readonly values: unknown
  readonly position: { readonly byte: number; readonly line: number; readonly head: string }
  readonly invalid?: {
    readonly code: string
    readonly message: string
    readonly raw: string
    readonly action: string
  }
}

/** Reads a partition to its end, or until `countMax` items. */
export async function readAll(
  source: RuntimeReplayableSpoutSpec,
  path: string,
  after?: unknown,
  countMax = Number.POSITIVE_INFINITY,
): Promise<Item[]> {
  const items: Item[] = []
  const end = new AbortController()
  for await (const batch of source.read(path, after, end.signal)) {
    items.push(...(batch as readonly Item[]))
    if (items.length >= countMax) end.abort()
    if (items.length >= countMax) break
  }
  return items
}

/** The texts of lines. */
export function texts(items: readonly Item[]): unknown[] {
  return items.map(({ values }) => (values as { value: unknown } | undefined)?.value)
}

/** Runs in virtual time until the promise is settled. */
export async function settled<T>(world: VirtualWorld, run: Promise<T>): Promise<T> {
  let isOpen = true
  const ended = run.finally(() => {
    isOpen = false
  })
  ended.catch(() => undefined)
  await world.run({ while: () => isOpen })
  return ended
}

/** A file of a virtual disk as text; undefined if there is none. */
export async function textOf(world: VirtualWorld, name: string, path: string): Promise<string | undefined> {
  const { files } = world.host(name)
  const facts = await settled(world, files.stat(path))
  if (facts === undefined) return undefined
  const bytes = new Uint8Array(facts.sizeBytes)
  const file = await settled(world, files.open(path, 'read'))
  await settled(world, file.read(bytes, 0))
  await settled(world, file.close())
  return new TextDecoder().decode(bytes)
}

/** Writes a file of a virtual disk, for sure. */
export async function putText(world: VirtualWorld, name: string, path: string, text: string): Promise<void> {
  const { files } = world.host(name)
  const directory = path.slice(0, path.lastIndexOf('/')) || '/'
  await settled(world, files.makeDirectory(directory))
  const file = await settled(world, files.open(path, 'create'))
  await settled(world, file.write(new TextEncoder().encode(text), 0))
  await settled(world, file.sync())
  await settled(world, file.close())
  await settled(world, files.syncDirectory(directory))
}

/** A host whose files can all be closed at the end: lives that crash in a test do not close theirs. */
export function tracking(host: Host): { readonly host: Host; readonly closeAll: () => Promise<void> } {
  const opened: OpenFile[] = []
  const open: Files['open'] = async (path, mode) => {
    const file = await host.files.open(path, mode)
    opened.push(file)
    return file
  }
  // Those that were closed as they should be reject.
  const closeAll = async (): Promise<void> => {
    await Promise.allSettled(opened.map((file) => file.close()))
  }
  return { host: { ...host, files: { ...host.files, open } }, closeAll }
}
