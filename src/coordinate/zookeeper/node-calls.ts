/**
 * What a coordinator does with nodes: each call checked, its path put below the root, laid out as a request,
 * its answer read.
 *
 * Calls return the promise of the request itself, without an async function around it: answers are then seen
 * in the order in which they came, and before or after events as they came.
 */
import { UsageError } from '../../base/errors.ts'
import {
  type Acl,
  ANY_VERSION,
  type CreateOptions,
  type NodeData,
  type NodeStat,
  type Operation,
  type OperationResult,
} from '../coordinator.ts'
import { checkCreate, checkMulti, checkSize, checkVersion } from './checks.ts'
import { checkPath, relativePath, serverPath } from './node-path.ts'
import type { JuteReader } from './protocol/jute-reader.ts'
import { readAcl, readMulti, readNode, readStat } from './protocol/replies.ts'
import {
  Op,
  type Part,
  writeCreate,
  writeDelete,
  writeMulti,
  writePath,
  writeRead,
  writeSet,
  writeSetAcl,
} from './protocol/requests.ts'
import { ServerError, serverError } from './protocol/server-errors.ts'
import { createSequential } from './sequential-create.ts'
import { ZooKeeperSession } from './session/zookeeper-session.ts'
import type { ZooKeeperSettings } from './settings.ts'

export class NodeCalls {
  protected readonly session: ZooKeeperSession
  private readonly settings: ZooKeeperSettings
  private readonly root: string

  constructor(settings: ZooKeeperSettings) {
    this.settings = settings
    this.root = settings.root
    this.session = new ZooKeeperSession(settings)
  }

  create(path: string, data: Uint8Array, options: CreateOptions = {}): Promise<string> {
    return guarded(() => {
      checkPath(path)
      checkSize(path, data.length)
      checkCreate(path, options)
      if (options.mode?.endsWith('sequential') !== true) return this.createPlain(path, data, options)
      const { host, callTimeoutMs } = this.settings
      // Copied: it may have to be sent again when the caller has long used its bytes for something else.
      const node = { path, data: data.slice(), options }
      const create = (tagged: string) => this.createPlain(tagged, node.data, options)
      const { session } = this
      const readers = {
        children: (parent: string) => this.sync(parent).then(() => this.children(parent)),
        whenConnected: (timeoutMs: number) => session.whenConnected(timeoutMs),
      }
      return createSequential(path, { host, callTimeoutMs, create, ...readers })
    })
  }

  get(path: string): Promise<NodeData> {
    return this.read('get', Op.getData, path, readNode)
  }

  set(path: string, data: Uint8Array, version: number = ANY_VERSION): Promise<NodeStat> {
    return guarded(() => {
      checkSize(path, data.length)
      checkVersion(path, version)
      const at = this.locate(path)
      return this.session.call({
        what: `set ${path}`,
        write: (writer, xid) => writeSet(writer, xid, { path: at, data, version }),
        read: answerOf('set', path, readStat),
      })
    })
  }

  delete(path: string, version: number = ANY_VERSION): Promise<void> {
    return guarded(() => {
      checkVersion(path, version)
      const at = this.locateDeletable(path)
      return this.session.call({
        what: `delete ${path}`,
        write: (writer, xid) => writeDelete(writer, xid, { path: at, version }),
        read: answerOf('delete', path, nothing),
      })
    })
  }

  exists(path: string): Promise<NodeStat | undefined> {
    return guarded(() => {
      const at = this.locate(path)
      return this.session.call({
        what: `exists ${path}`,
        write: (writer, xid) => writeRead(writer, xid, { operation: Op.exists, path: at, watches: false }),
        read: (reader, code) => {
          if (code === ServerError.noNode) return undefined
          if (code !== ServerError.ok) throw serverError(code, `exists ${path}`, path)
          return readStat(reader)
        },
      })
    })
  }

  children(path: string): Promise<readonly string[]> {
    return this.read('children', Op.getChildren, path, (reader) => reader.texts().sort())
  }

  multi(operations: readonly Operation[]): Promise<readonly OperationResult[]> {
    return guarded(() => {
      const { createAcl } = this.settings
      checkMulti(operations)
      const parts = operations.map((operation): Part => {
        const isDelete = operation.kind === 'delete'
        const path = isDelete ? this.locateDeletable(operation.path) : this.locate(operation.path)
        const own = operation.kind === 'create' ? operation.options?.acl : undefined
        return { operation, path, acl: own ?? createAcl }
      })
      return this.session.call({
        what: `multi of ${parts.length}`,
        write: (writer, xid) => writeMulti(writer, xid, parts),
        read: (reader, code) => readMulti(reader, code, parts).map((result) => this.asCallersKnow(result)),
      })
    })
  }

  sync(path: string): Promise<void> {
    return guarded(() => {
      const at = this.locate(path)
      return this.session.call({
        what: `sync ${path}`,
        write: (writer, xid) => writePath(writer, xid, { operation: Op.sync, path: at }),
        read: answerOf('sync', path, nothing),
      })
    })
  }

  getAcl(path: string): Promise<readonly Acl[]> {
    return guarded(() => {
      const at = this.locate(path)
      return this.session.call({
        what: `getAcl ${path}`,
        write: (writer, xid) => writePath(writer, xid, { operation: Op.getAcl, path: at }),
        read: answerOf('getAcl', path, readAcl),
      })
    })
  }

  setAcl(path: string, acl: readonly Acl[], aclVersion: number = ANY_VERSION): Promise<NodeStat> {
    return guarded(() => {
      checkVersion(path, aclVersion)
      const at = this.locate(path)
      return this.session.call({
        what: `setAcl ${path}`,
        write: (writer, xid) => writeSetAcl(writer, xid, { path: at, acl, aclVersion }),
        read: answerOf('setAcl', path, readStat),
      })
    })
  }

  private createPlain(path: string, data: Uint8Array, options: CreateOptions): Promise<string> {
    const node = { path: this.locate(path), data, options, acl: options.acl ?? this.settings.createAcl }
    return this.session.call({
      what: `create ${path}`,
      write: (writer, xid) => writeCreate(writer, xid, node),
      read: answerOf('create', path, (reader) => this.relative(reader.text())),
    })
  }

  private read<T>(
    what: string,
    operation: number,
    path: string,
    read: (reader: JuteReader) => T,
  ): Promise<T> {
    return guarded(() => {
      const at = this.locate(path)
      return this.session.call({
        what: `${what} ${path}`,
        write: (writer, xid) => writeRead(writer, xid, { operation, path: at, watches: false }),
        read: answerOf(what, path, read),
      })
    })
  }

  /** A path as the server knows it. @throws UsageError CONFIG_INVALID_VALUE */
  protected locate(path: string): string {
    checkPath(path)
    return serverPath(this.root, path)
  }

  private locateDeletable(path: string): string {
    if (path === '/') throw new UsageError('CONFIG_INVALID_VALUE', 'the root is not deleted', { path })
    return this.locate(path)
  }

  private relative(path: string): string {
    return relativePath(this.root, path) ?? path
  }

  private asCallersKnow(result: OperationResult): OperationResult {
    return result.kind === 'create' ? { kind: 'create', path: this.relative(result.path) } : result
  }
}

/** Reads an answer: the error of the call, or what `read` makes of it. */
export function answerOf<T>(what: string, path: string, read: (reader: JuteReader) => T) {
  return (reader: JuteReader, code: number): T => {
    if (code !== ServerError.ok) throw serverError(code, `${what} ${path}`, path)
    return read(reader)
  }
}

function nothing(): void {
  // The answer says no more than that it was done.
}

/** What a check throws comes as every other error does: by the promise. */
export function guarded<T>(call: () => Promise<T>): Promise<T> {
  try {
    return call()
  } catch (error) {
    return Promise.reject(error)
  }
}
