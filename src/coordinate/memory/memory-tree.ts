/**
 * The tree of nodes as a state machine: operations in, results and changes out. No clock, no sessions' lives,
 * no watches: time and zxid come with every transaction, so that two trees which were given the same
 * transactions are the same.
 *
 * Route: `memory-ensemble` numbers a transaction → here → its log → the trees of the followers
 *
 * Invariants
 *   T1  a transaction takes effect as a whole or leaves no trace, sequence numbers included
 *   T2  zxids only rise
 *   T3  a node's parent exists and is not ephemeral; a node with children is not deleted
 *   T4  the number of a sequential node is how many children its parent ever had
 *   T5  bytes that were given to a node are never changed
 */
import { assert, assertDefined } from '../../base/assert.ts'
import type { ErrorCode } from '../../base/error-codes.ts'
import type { Acl, CreateMode, NodeStat } from '../coordinator.ts'
import { type Identities, isAllowed, OPEN_ACL, type Permission, storedAcl } from './tree-acl.ts'
import { nameOf, parentOf } from './tree-path.ts'

export type TreeOperation =
  | {
      readonly kind: 'create'
      readonly path: string
      readonly data: Uint8Array
      readonly mode: CreateMode
      readonly ttlMs: number | undefined
      readonly acl: readonly Acl[]
    }
  | { readonly kind: 'set'; readonly path: string; readonly data: Uint8Array; readonly version: number }
  | { readonly kind: 'delete'; readonly path: string; readonly version: number }
  | { readonly kind: 'check'; readonly path: string; readonly version: number }
  | { readonly kind: 'acl'; readonly path: string; readonly acl: readonly Acl[]; readonly version: number }

export type TreeResult =
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'set' | 'acl'; readonly stat: NodeStat }
  | { readonly kind: 'delete' | 'check' }

/** What an operation did. `path` is the node's own; `children` is told of the parent. */
export interface TreeChange {
  readonly kind: 'created' | 'deleted' | 'changed' | 'children'
  readonly path: string
  /** Of the node at the path: who may not read it is not told. */
  readonly acl: readonly Acl[]
}

/** Why an operation cannot be. `index` is its place in the transaction. */
export interface TreeFailure {
  readonly code: ErrorCode
  readonly index: number
  readonly path: string
  readonly reason: string
}

/** Who writes. undefined: the tree's own housekeeping, which no access list stops. */
export interface TreeAuthor {
  readonly sessionId: bigint
  readonly identities: Identities
}

export interface TreeTransaction {
  readonly zxid: bigint
  readonly atMs: number
  readonly author: TreeAuthor | undefined
  readonly operations: readonly TreeOperation[]
}

export type TreeOutcome =
  | { readonly results: readonly TreeResult[]; readonly changes: readonly TreeChange[] }
  | { readonly failure: TreeFailure }

/** Nothing to compare: every version will do. */
const ANY = -1

interface TreeNode {
  data: Uint8Array
  acl: readonly Acl[]
  version: number
  aclVersion: number
  /** Children ever made: the next sequence number. */
  childrenMade: number
  childrenZxid: bigint
  readonly createdZxid: bigint
  modifiedZxid: bigint
  readonly createdMs: number
  modifiedMs: number
  readonly ephemeralOwner: bigint
  readonly isContainer: boolean
  readonly ttlMs: number | undefined
  readonly children: Set<string>
}

/** A step on its way through one transaction. */
interface Draft {
  readonly transaction: TreeTransaction
  readonly changes: TreeChange[]
  readonly undo: (() => void)[]
}

type Refusal = Pick<TreeFailure, 'code' | 'reason'>

export class MemoryTree {
  private readonly nodes = new Map<string, TreeNode>()
  private readonly ephemerals = new Map<bigint, Set<string>>()
  /** Containers and nodes with a lifetime. */
  private readonly passing = new Set<string>()
  private zxid = 0n

  constructor() {
    const root = newNode({ zxid: 0n, atMs: 0, author: undefined, operations: [] }, new Uint8Array(0))
    this.nodes.set('/', root)
  }

  /** Of the last transaction that took effect. */
  get lastZxid(): bigint {
    return this.zxid
  }

  get nodeCount(): number {
    return this.nodes.size
  }

  execute(transaction: TreeTransaction): TreeOutcome {
    assert(transaction.zxid > this.zxid, 'zxids only rise')
    const draft: Draft = { transaction, changes: [], undo: [] }
    const results: TreeResult[] = []
    for (const [index, operation] of transaction.operations.entries()) {
      const result = this.apply(operation, draft)
      if ('code' in result) {
        for (const undo of draft.undo.reverse()) undo()
        return { failure: { ...result, index, path: operation.path } }
      }
      results.push(result)
    }
    this.zxid = transaction.zxid
    return { results, changes: draft.changes }
  }

  /** Facts of a node, and what it holds; the bytes are the tree's own: do not change them. */
  read(
    path: string,
  ): { readonly data: Uint8Array; readonly stat: NodeStat; readonly acl: readonly Acl[] } | undefined {
    const node = this.nodes.get(path)
    return node && { data: node.data, stat: statOf(node), acl: node.acl }
  }

  /** Names, sorted by their UTF-16 units. */
  children(path: string): readonly string[] | undefined {
    const node = this.nodes.get(path)
    return node && [...node.children].sort()
  }

  /** Zxid of the last change of a node's children's names. */
  childrenZxid(path: string): bigint | undefined {
    return this.nodes.get(path)?.childrenZxid
  }

  mayRead(path: string, who: Identities): boolean {
    const node = this.nodes.get(path)
    return node === undefined || isAllowed(node.acl, 'read', who)
  }

  /** Paths of the ephemeral nodes of a session. */
  ephemeralsOf(sessionId: bigint): readonly string[] {
    return [...(this.ephemerals.get(sessionId) ?? [])]
  }

  /** Containers whose children have gone, and nodes whose lifetime is over. */
  outlived(nowMs: number): readonly string[] {
    return [...this.passing].filter((path) => {
      const node = assertDefined(this.nodes.get(path), 'what is passing is there')
      if (node.children.size > 0) return false
      if (node.isContainer) return node.childrenMade > 0
      return node.ttlMs !== undefined && nowMs - node.modifiedMs > node.ttlMs
    })
  }

  get hasPassing(): boolean {
    return this.passing.size > 0
  }

  /** Every node, in no particular order. */
  *entries(): IterableIterator<readonly [path: string, sizeBytes: number]> {
    for (const [path, node] of this.nodes) yield [path, node.data.length]
  }

  private apply(operation: TreeOperation, draft: Draft): TreeResult | Refusal {
    switch (operation.kind) {
      case 'create':
        return this.create(operation, draft)
      case 'set':
        return this.set(operation, draft)
      case 'delete':
        return this.delete(operation, draft)
      case 'check':
        return this.check(operation, draft)
      case 'acl':
        return this.setAcl(operation, draft)
    }
  }

  private create(operation: Extract<TreeOperation, { kind: 'create' }>, draft: Draft): TreeResult | Refusal {
    const { transaction } = draft
    if (operation.path === '/') return refusal('RECORD_EXISTS', 'it is there already')
    const parentPath = parentOf(operation.path)
    const acl = storedAcl(operation.acl, transaction.author?.identities ?? [])
    if (acl === undefined) return refusal('CONFIG_INVALID_VALUE', 'its access list means nobody')
    const parent = this.nodes.get(parentPath)
    if (parent === undefined) return refusal('RECORD_MISSING', 'its parent is not there')
    if (isForbidden(transaction, parent, 'create')) return refused('create below its parent')
    const path = operation.mode.endsWith('sequential')
      ? operation.path + String(parent.childrenMade).padStart(10, '0')
      : operation.path
    if (this.nodes.has(path)) return refusal('RECORD_EXISTS', 'it is there already')
    if (parent.ephemeralOwner !== 0n) return refusal('CONFIG_INVALID_VALUE', 'its parent is ephemeral')
    const node: TreeNode = {
      ...newNode(transaction, operation.data),
      acl,
      ephemeralOwner: operation.mode.startsWith('ephemeral') ? (transaction.author?.sessionId ?? 0n) : 0n,
      isContainer: operation.mode === 'container',
      ttlMs: operation.ttlMs,
    }
    const { childrenMade, childrenZxid } = parent
    this.link(path, node, parent)
    parent.childrenMade += 1
    parent.childrenZxid = transaction.zxid
    draft.undo.push(() => {
      this.unlink(path, node, parent)
      Object.assign(parent, { childrenMade, childrenZxid })
    })
    draft.changes.push(
      { kind: 'created', path, acl },
      { kind: 'children', path: parentPath, acl: parent.acl },
    )
    return { kind: 'create', path }
  }

  private set(operation: Extract<TreeOperation, { kind: 'set' }>, draft: Draft): TreeResult | Refusal {
    const { path, data, version } = operation
    const node = this.nodes.get(path)
    if (node === undefined) return refusal('RECORD_MISSING', 'it is not there')
    if (isForbidden(draft.transaction, node, 'write')) return refused('write it')
    if (version !== ANY && version !== node.version) return changed(version, node.version)
    const before = {
      data: node.data,
      version: node.version,
      modifiedZxid: node.modifiedZxid,
      modifiedMs: node.modifiedMs,
    }
    draft.undo.push(() => Object.assign(node, before))
    node.data = data
    node.version += 1
    node.modifiedZxid = draft.transaction.zxid
    node.modifiedMs = draft.transaction.atMs
    draft.changes.push({ kind: 'changed', path, acl: node.acl })
    return { kind: 'set', stat: statOf(node) }
  }

  private delete(operation: Extract<TreeOperation, { kind: 'delete' }>, draft: Draft): TreeResult | Refusal {
    const { path, version } = operation
    if (path === '/') return refusal('CONFIG_INVALID_VALUE', 'the root is not deleted')
    const parentPath = parentOf(path)
    const node = this.nodes.get(path)
    const parent = this.nodes.get(parentPath)
    if (parent === undefined) return refusal('RECORD_MISSING', 'its parent is not there')
    if (isForbidden(draft.transaction, parent, 'delete')) return refused('delete below its parent')
    if (node === undefined) return refusal('RECORD_MISSING', 'it is not there')
    if (version !== ANY && version !== node.version) return changed(version, node.version)
    if (node.children.size > 0) return refusal('RECORD_NOT_EMPTY', `it has ${node.children.size} children`)
    const { childrenZxid } = parent
    this.unlink(path, node, parent)
    parent.childrenZxid = draft.transaction.zxid
    draft.undo.push(() => {
      this.link(path, node, parent)
      parent.childrenZxid = childrenZxid
    })
    draft.changes.push(
      { kind: 'deleted', path, acl: node.acl },
      { kind: 'children', path: parentPath, acl: parent.acl },
    )
    return { kind: 'delete' }
  }

  private check(operation: Extract<TreeOperation, { kind: 'check' }>, draft: Draft): TreeResult | Refusal {
    const node = this.nodes.get(operation.path)
    if (node === undefined) return refusal('RECORD_MISSING', 'it is not there')
    if (isForbidden(draft.transaction, node, 'read')) return refused('read it')
    if (operation.version !== ANY && operation.version !== node.version)
      return changed(operation.version, node.version)
    return { kind: 'check' }
  }

  private setAcl(operation: Extract<TreeOperation, { kind: 'acl' }>, draft: Draft): TreeResult | Refusal {
    const { path, version } = operation
    const acl = storedAcl(operation.acl, draft.transaction.author?.identities ?? [])
    if (acl === undefined) return refusal('CONFIG_INVALID_VALUE', 'the access list means nobody')
    const node = this.nodes.get(path)
    if (node === undefined) return refusal('RECORD_MISSING', 'it is not there')
    if (isForbidden(draft.transaction, node, 'admin')) return refused('change the list')
    if (version !== ANY && version !== node.aclVersion) return changed(version, node.aclVersion)
    const before = { acl: node.acl, aclVersion: node.aclVersion }
    draft.undo.push(() => Object.assign(node, before))
    node.acl = acl
    node.aclVersion += 1
    return { kind: 'acl', stat: statOf(node) }
  }

  private link(path: string, node: TreeNode, parent: TreeNode): void {
    this.nodes.set(path, node)
    parent.children.add(nameOf(path))
    if (node.isContainer || node.ttlMs !== undefined) this.passing.add(path)
    if (node.ephemeralOwner === 0n) return
    const owned = this.ephemerals.get(node.ephemeralOwner) ?? new Set()
    this.ephemerals.set(node.ephemeralOwner, owned.add(path))
  }

  private unlink(path: string, node: TreeNode, parent: TreeNode): void {
    this.nodes.delete(path)
    parent.children.delete(nameOf(path))
    this.passing.delete(path)
    const owned = this.ephemerals.get(node.ephemeralOwner)
    owned?.delete(path)
    if (owned?.size === 0) this.ephemerals.delete(node.ephemeralOwner)
  }
}

function newNode({ zxid, atMs }: TreeTransaction, data: Uint8Array): TreeNode {
  return {
    data,
    acl: OPEN_ACL,
    version: 0,
    aclVersion: 0,
    childrenMade: 0,
    childrenZxid: zxid,
    createdZxid: zxid,
    modifiedZxid: zxid,
    createdMs: atMs,
    modifiedMs: atMs,
    ephemeralOwner: 0n,
    isContainer: false,
    ttlMs: undefined,
    children: new Set(),
  }
}

function statOf(node: TreeNode): NodeStat {
  return {
    version: node.version,
    // Made and deleted: every child was made, and those that are not here any more were deleted.
    childrenVersion: node.childrenMade * 2 - node.children.size,
    aclVersion: node.aclVersion,
    createdZxid: node.createdZxid,
    modifiedZxid: node.modifiedZxid,
    createdMs: node.createdMs,
    modifiedMs: node.modifiedMs,
    ephemeralOwner: node.ephemeralOwner,
    sizeBytes: node.data.length,
    childCount: node.children.size,
  }
}

function isForbidden(transaction: TreeTransaction, node: TreeNode, permission: Permission): boolean {
  return transaction.author !== undefined && !isAllowed(node.acl, permission, transaction.author.identities)
}

function refusal(code: ErrorCode, reason: string): Refusal {
  return { code, reason }
}

function refused(what: string): Refusal {
  return refusal('COORDINATOR_REFUSED', `the access list does not allow to ${what}`)
}

function changed(wanted: number, version: number): Refusal {
  return refusal('RECORD_CHANGED', `version ${wanted} was expected, it has ${version}`)
}
