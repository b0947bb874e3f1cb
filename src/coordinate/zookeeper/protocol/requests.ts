/**
 * Requests, as ZooKeeper's protocol lays them out (3.6 and later: watches that last, and multi with all kinds
 * of creates).
 *
 *   connect  int protocol 0 │ long last zxid │ int timeout │ long session │ buffer password │ bool read-only
 *   any else int xid │ int operation │ its fields
 *
 * Paths here are those of the server, chroot included. Replies are in replies.ts.
 */
import type { Acl, CreateMode, CreateOptions, Operation } from '../../coordinator.ts'
import type { JuteWriter } from './jute-writer.ts'

/** Given by the protocol. */
export const Op = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  check: 13,
  multi: 14,
  create2: 15,
  removeWatches: 18,
  createContainer: 19,
  createTtl: 21,
  auth: 100,
  sasl: 102,
  setWatches2: 105,
  addWatch: 106,
  closeSession: -11,
} as const

/** Numbers of messages that answer no call of a user. Given by the protocol. */
export const Xid = { event: -1, ping: -2, auth: -4, setWatches: -8 } as const

const Mode = { persistent: 0, ephemeral: 1, sequential: 2, container: 4, ttl: 5, sequentialTtl: 6 } as const
const flagsByMode: Readonly<Record<CreateMode, number>> = {
  persistent: Mode.persistent,
  'persistent-sequential': Mode.sequential,
  ephemeral: Mode.ephemeral,
  'ephemeral-sequential': Mode.ephemeral | Mode.sequential,
  container: Mode.container,
}

const permissionBits = { read: 1, write: 2, create: 4, delete: 8, admin: 16 } as const
export type Permission = keyof typeof permissionBits
export const permissionNames: readonly [Permission, number][] = [
  ['read', permissionBits.read],
  ['write', permissionBits.write],
  ['create', permissionBits.create],
  ['delete', permissionBits.delete],
  ['admin', permissionBits.admin],
]

const MULTI_HEADER_ERROR = -1
/** Types of watches to take away: all of them. */
const WATCHER_ANY = 3

export interface ConnectRequest {
  readonly lastZxid: bigint
  readonly sessionTimeoutMs: number
  readonly sessionId: bigint
  readonly password: Uint8Array
}

export function writeConnect(writer: JuteWriter, request: ConnectRequest): Uint8Array<ArrayBuffer> {
  writer.begin().int(0).long(request.lastZxid).int(request.sessionTimeoutMs).long(request.sessionId)
  return writer.buffer(request.password).bool(false).end()
}

/** A request with nothing but its header. */
export function writePlain(writer: JuteWriter, xid: number, operation: number): Uint8Array<ArrayBuffer> {
  return writer.begin().int(xid).int(operation).end()
}

export interface NewNode {
  readonly path: string
  readonly data: Uint8Array
  readonly options: CreateOptions
  readonly acl: readonly Acl[]
}

export function writeCreate(writer: JuteWriter, xid: number, node: NewNode): Uint8Array<ArrayBuffer> {
  writer.begin(node.data.length).int(xid).int(createOperation(node.options))
  writeNewNode(writer, node)
  return writer.end()
}

/** Plain creates are answered with their path only, which is shorter. */
export function createOperation({ mode, ttlMs }: CreateOptions): number {
  if (ttlMs !== undefined) return Op.createTtl
  return mode === 'container' ? Op.createContainer : Op.create
}

function writeNewNode(writer: JuteWriter, { path, data, options, acl }: NewNode): void {
  writer.text(path).buffer(data)
  writeAcl(writer, acl)
  const { mode = 'persistent', ttlMs } = options
  if (ttlMs === undefined) writer.int(flagsByMode[mode])
  else writer.int(mode === 'persistent-sequential' ? Mode.sequentialTtl : Mode.ttl).long(BigInt(ttlMs))
}

export function writeAcl(writer: JuteWriter, acl: readonly Acl[]): void {
  writer.int(acl.length)
  for (const { scheme, id, permissions } of acl) {
    let bits = 0
    for (const permission of permissions) bits |= permissionBits[permission]
    writer.int(bits).text(scheme).text(id)
  }
}

/** Reads that may leave a watch: getData, exists, getChildren. */
export function writeRead(
  writer: JuteWriter,
  xid: number,
  read: { readonly operation: number; readonly path: string; readonly watches: boolean },
): Uint8Array<ArrayBuffer> {
  return writer.begin().int(xid).int(read.operation).text(read.path).bool(read.watches).end()
}

/** Requests with a path only: sync, getAcl. */
export function writePath(
  writer: JuteWriter,
  xid: number,
  request: { readonly operation: number; readonly path: string },
): Uint8Array<ArrayBuffer> {
  return writer.begin().int(xid).int(request.operation).text(request.path).end()
}

export function writeSet(
  writer: JuteWriter,
  xid: number,
  change: { readonly path: string; readonly data: Uint8Array; readonly version: number },
): Uint8Array<ArrayBuffer> {
  writer.begin(change.data.length).int(xid).int(Op.setData).text(change.path).buffer(change.data)
  return writer.int(change.version).end()
}

export function writeDelete(
  writer: JuteWriter,
  xid: number,
  target: { readonly path: string; readonly version: number },
): Uint8Array<ArrayBuffer> {
  return writer.begin().int(xid).int(Op.delete).text(target.path).int(target.version).end()
}

export function writeSetAcl(
  writer: JuteWriter,
  xid: number,
  change: { readonly path: string; readonly acl: readonly Acl[]; readonly aclVersion: number },
): Uint8Array<ArrayBuffer> {
  writer.begin().int(xid).int(Op.setAcl).text(change.path)
  writeAcl(writer, change.acl)
  return writer.int(change.aclVersion).end()
}

/** A part of a multi, with the server's path. `acl`: of a create. */
export interface Part {
  readonly operation: Operation
  readonly path: string
  readonly acl: readonly Acl[]
}

export function writeMulti(writer: JuteWriter, xid: number, parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  writer.begin().int(xid).int(Op.multi)
  for (const part of parts) writePart(writer, part)
  return writer.int(MULTI_HEADER_ERROR).bool(true).int(MULTI_HEADER_ERROR).end()
}

function writePart(writer: JuteWriter, { operation, path, acl }: Part): void {
  const head = (type: number) => writer.int(type).bool(false).int(MULTI_HEADER_ERROR)
  switch (operation.kind) {
    case 'create': {
      const options = operation.options ?? {}
      head(createOperation(options))
      writeNewNode(writer, { path, data: operation.data, options, acl })
      break
    }
    case 'set':
      head(Op.setData)
        .text(path)
        .buffer(operation.data)
        .int(operation.version ?? -1)
      break
    case 'delete':
      head(Op.delete)
        .text(path)
        .int(operation.version ?? -1)
      break
    case 'check':
      head(Op.check).text(path).int(operation.version)
      break
  }
}

export function writeAuth(writer: JuteWriter, scheme: string, secret: Uint8Array): Uint8Array<ArrayBuffer> {
  return writer.begin().int(Xid.auth).int(Op.auth).int(0).text(scheme).buffer(secret).end()
}

export function writeSasl(writer: JuteWriter, xid: number, token: Uint8Array): Uint8Array<ArrayBuffer> {
  return writer.begin().int(xid).int(Op.sasl).buffer(token).end()
}

export function writeAddWatch(
  writer: JuteWriter,
  xid: number,
  watch: { readonly path: string; readonly isTree: boolean },
): Uint8Array<ArrayBuffer> {
  return writer
    .begin()
    .int(xid)
    .int(Op.addWatch)
    .text(watch.path)
    .int(watch.isTree ? 1 : 0)
    .end()
}

export function writeRemoveWatches(writer: JuteWriter, xid: number, path: string): Uint8Array<ArrayBuffer> {
  return writer.begin().int(xid).int(Op.removeWatches).text(path).int(WATCHER_ANY).end()
}

/** Watches to be set again on another server, by kind. Paths of the server. */
export interface WatchPaths {
  readonly data: readonly string[]
  readonly exist: readonly string[]
  readonly children: readonly string[]
  readonly node: readonly string[]
  readonly tree: readonly string[]
}

/** The server tells at once what of one-shot watches changed after `zxid`. */
export function writeSetWatches(
  writer: JuteWriter,
  zxid: bigint,
  paths: WatchPaths,
): Uint8Array<ArrayBuffer> {
  writer.begin().int(Xid.setWatches).int(Op.setWatches2).long(zxid)
  writer.texts(paths.data).texts(paths.exist).texts(paths.children)
  return writer.texts(paths.node).texts(paths.tree).end()
}
