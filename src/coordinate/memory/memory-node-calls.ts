/**
 * What a client of the ensemble in memory asks of nodes: the calls of the contract, made of questions to a
 * server. Checks what can be checked without it, puts paths below the client's root and takes them out again.
 *
 * Route: `memory-coordinator` → here → `client-session` (order, loss, deadlines) → link → `server-port`
 *
 * Invariant: bytes are copied on the way in and out, so that nobody shares them with the tree.
 */
import { assert } from '../../base/assert.ts'
import { ConflictError, hasCode, type StreamError, UnavailableError, UsageError } from '../../base/errors.ts'
import type { Host } from '../../host/host.ts'
import {
  type Acl,
  ANY_VERSION,
  type CreateOptions,
  DATA_BYTES_MAX,
  type NodeData,
  type NodeStat,
  type Operation,
  type OperationResult,
} from '../coordinator.ts'
import { ClientSession } from './client-session.ts'
import type { Dial } from './ensemble-sessions.ts'
import type { TreeFailure, TreeOperation, TreeOutcome, TreeResult } from './memory-tree.ts'
import type { Found } from './server-port.ts'
import { digestId, OPEN_ACL } from './tree-acl.ts'
import { below, checkPath, nameOf, parentOf, relativeTo } from './tree-path.ts'

export interface MemoryConnectSpec {
  /** Of the client. */
  readonly host: Pick<Host, 'clock' | 'timers' | 'random' | 'name'>
  /** For faults and checkers: `cut(name)`. */
  readonly name: string
  /** Default 6 s. */
  readonly sessionTimeoutMs?: number
  /** Default 10 s. */
  readonly callTimeoutMs?: number
  /** All paths are below it; made if missing. Default `/`. */
  readonly chroot?: string
  readonly auth?: { readonly user: string; readonly password: string }
  /** Access list of what is made without one of its own. Default: open. */
  readonly createAcl?: readonly Acl[]
}

/** Times that a sequential create is tried again when its answer was lost. */
const ATTEMPTS_MAX = 20

export abstract class MemoryNodeCalls {
  protected readonly root: string
  protected readonly session: ClientSession
  private readonly spec: MemoryConnectSpec
  private readonly callTimeoutMs: number

  constructor(spec: MemoryConnectSpec, way: { readonly dial: Dial }) {
    this.spec = spec
    this.root = spec.chroot ?? '/'
    checkPath(this.root)
    this.callTimeoutMs = spec.callTimeoutMs ?? 10_000
    this.session = new ClientSession({
      host: spec.host,
      name: spec.name,
      timeoutMs: spec.sessionTimeoutMs ?? 6_000,
      callTimeoutMs: this.callTimeoutMs,
      identities: spec.auth === undefined ? [] : [digestId(spec.auth.user, spec.auth.password)],
      root: this.root,
      dial: way.dial,
    })
  }

  async create(path: string, data: Uint8Array, options: CreateOptions = {}): Promise<string> {
    const operation = this.operation({ kind: 'create', path, data, options })
    if (operation.kind === 'create' && operation.mode.endsWith('sequential')) {
      return this.createTagged(operation)
    }
    return this.made((await this.write([operation]))[0])
  }

  async get(path: string): Promise<NodeData> {
    const full = this.full(path)
    const { data, stat } = this.found(await this.session.call((port) => port.read(full)))
    return { data: data.slice(), stat }
  }

  async set(path: string, data: Uint8Array, version = ANY_VERSION): Promise<NodeStat> {
    return this.stat((await this.write([this.operation({ kind: 'set', path, data, version })]))[0])
  }

  async delete(path: string, version = ANY_VERSION): Promise<void> {
    await this.write([this.operation({ kind: 'delete', path, version })])
  }

  async exists(path: string): Promise<NodeStat | undefined> {
    const full = this.full(path)
    return this.found(await this.session.call((port) => port.exists(full)))
  }

  async children(path: string): Promise<readonly string[]> {
    const full = this.full(path)
    return this.found(await this.session.call((port) => port.children(full)))
  }

  async multi(operations: readonly Operation[]): Promise<readonly OperationResult[]> {
    const asked = operations.map((operation) => this.operation(operation))
    const sizeBytes = asked.reduce((sum, each) => sum + ('data' in each ? each.data.length : 0), 0)
    checkSize(operations[0]?.path ?? '/', sizeBytes)
    if (asked.length === 0) {
      // As with a real server, it has to be there.
      await this.session.call(() => undefined)
      return []
    }
    const results = await this.write(asked, true)
    return results.map((result): OperationResult => {
      if (result.kind === 'create') return { kind: 'create', path: relativeTo(this.root, result.path) }
      if (result.kind === 'set' || result.kind === 'acl') return { kind: 'set', stat: result.stat }
      return { kind: result.kind }
    })
  }

  async sync(path: string): Promise<void> {
    checkPath(path)
    await this.session.call((port) => port.sync())
  }

  async getAcl(path: string): Promise<readonly Acl[]> {
    const full = this.full(path)
    return this.found(await this.session.call((port) => port.read(full))).acl
  }

  async setAcl(path: string, acl: readonly Acl[], aclVersion = ANY_VERSION): Promise<NodeStat> {
    checkVersion(path, aclVersion)
    const operation: TreeOperation = { kind: 'acl', path: this.full(path), acl, version: aclVersion }
    return this.stat((await this.write([operation]))[0])
  }

  /**
   * A number is drawn by the server, so a create whose answer was lost cannot be recognised by its path: a
   * tag in the name does it.
   */
  private async createTagged(operation: Extract<TreeOperation, { kind: 'create' }>): Promise<string> {
    const tag = newTag(this.spec.host)
    const tagged = { ...operation, path: `${operation.path}${tag}-` }
    const endMs = this.spec.host.clock.monotonicMs() + this.callTimeoutMs
    for (let attempt = 1; ; attempt += 1) {
      try {
        const before = attempt === 1 ? undefined : await this.findTagged(tagged.path)
        return before ?? this.made((await this.write([tagged]))[0])
      } catch (error) {
        const isLost = hasCode(error, 'COORDINATOR_UNAVAILABLE') && (attempt > 1 || isUnknown(error))
        const leftMs = endMs - this.spec.host.clock.monotonicMs()
        if (!isLost || leftMs <= 0 || attempt >= ATTEMPTS_MAX) throw error
        await this.session.connected(leftMs, false).catch(() => {
          if (this.session.state === 'expired') {
            throw new UnavailableError('SESSION_EXPIRED', `the session of ${this.spec.name} is over`)
          }
          throw error
        })
      }
    }
  }

  private async findTagged(path: string): Promise<string | undefined> {
    const parent = parentOf(path)
    const names = await this.session.call((port) => {
      port.sync()
      return port.children(parent)
    })
    if ('failure' in names) return undefined
    const name = names.found.find((each) => each.startsWith(nameOf(path)))
    return name === undefined ? undefined : relativeTo(this.root, below(parent, `/${name}`))
  }

  private async write(operations: readonly TreeOperation[], isMulti = false): Promise<readonly TreeResult[]> {
    const outcome: TreeOutcome = await this.session.call((port) => port.write(operations))
    if ('failure' in outcome) throw this.error(outcome.failure, isMulti)
    return outcome.results
  }

  private operation(operation: Operation): TreeOperation {
    const path = this.full(operation.path)
    if (operation.kind !== 'create') checkVersion(operation.path, operation.version ?? ANY_VERSION)
    switch (operation.kind) {
      case 'create': {
        checkSize(operation.path, operation.data.length)
        const { mode = 'persistent', ttlMs, acl } = operation.options ?? {}
        checkTtl(operation.path, mode, ttlMs)
        if (operation.path === '/' && mode.endsWith('sequential')) {
          // Its number would be added to the root's own name: a node beside the root.
          throw new UsageError('CONFIG_INVALID_VALUE', 'a sequential node needs a name or a parent', { mode })
        }
        const wanted = acl ?? this.spec.createAcl ?? OPEN_ACL
        return { kind: 'create', path, data: operation.data.slice(), mode, ttlMs, acl: wanted }
      }
      case 'set':
        checkSize(operation.path, operation.data.length)
        return { ...operation, path, data: operation.data.slice(), version: operation.version ?? ANY_VERSION }
      case 'delete':
        if (operation.path === '/') {
          throw new UsageError('CONFIG_INVALID_VALUE', 'the root is not deleted', { path: '/' })
        }
        return { ...operation, path, version: operation.version ?? ANY_VERSION }
      case 'check':
        return { ...operation, path }
    }
  }

  /** @throws UsageError CONFIG_INVALID_VALUE */
  protected full(path: string): string {
    checkPath(path)
    return below(this.root, path)
  }

  protected found<T>(answer: Found<T>): T {
    if ('failure' in answer) throw this.error(answer.failure, false)
    return answer.found
  }

  private made(result: TreeResult | undefined): string {
    assert(result?.kind === 'create', 'a create answers with a path')
    return relativeTo(this.root, result.path)
  }

  private stat(result: TreeResult | undefined): NodeStat {
    assert(result !== undefined && 'stat' in result, 'a set answers with facts')
    return result.stat
  }

  private error(failure: TreeFailure, isMulti: boolean): StreamError {
    const { code, index, reason } = failure
    const path = relativeTo(this.root, failure.path)
    const details = isMulti ? { path, index } : { path }
    const isConflict = code === 'RECORD_EXISTS' || code === 'RECORD_CHANGED' || code === 'RECORD_NOT_EMPTY'
    return new (isConflict ? ConflictError : UsageError)(code, `${path}: ${reason}`, details)
  }
}

function checkSize(path: string, sizeBytes: number): void {
  if (sizeBytes <= DATA_BYTES_MAX) return
  const text = `${path}: ${sizeBytes} bytes, a node holds at most ${DATA_BYTES_MAX}`
  throw new UsageError('RECORD_TOO_LARGE', text, { path, sizeBytes, sizeBytesMax: DATA_BYTES_MAX })
}

function checkVersion(path: string, version: number): void {
  if (Number.isInteger(version) && version >= ANY_VERSION) return
  throw new UsageError('CONFIG_INVALID_VALUE', `${path}: there is no version ${version}`, { path, version })
}

function checkTtl(path: string, mode: string, ttlMs: number | undefined): void {
  if (ttlMs === undefined) return
  if (mode.startsWith('persistent') && Number.isSafeInteger(ttlMs) && ttlMs > 0) return
  const text = `${path}: a lifetime is a whole number of ms from 1, of a persistent node`
  throw new UsageError('CONFIG_INVALID_VALUE', text, { path, ttlMs, mode })
}

function isUnknown(error: unknown): boolean {
  return error instanceof UnavailableError && error.details['outcome'] === 'unknown'
}

/** 16 hexadecimal digits. */
function newTag(host: Pick<Host, 'random'>): string {
  const words = host.random.next().toString(16).slice(2, 10) + host.random.next().toString(16).slice(2, 10)
  return words.padEnd(16, '0')
}
