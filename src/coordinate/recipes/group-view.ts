/** Who is a member of a group, kept up to date by a `NodeCache`. */
import { isStreamError } from '../../base/errors.ts'
import { type Member, parseMember } from './member-record.ts'
import { NodeCache, type NodeCacheSpec } from './node-cache.ts'

export interface GroupViewSpec extends Omit<NodeCacheSpec, 'path' | 'onChange'> {
  readonly groupPath: string
  /** Somebody came, went or changed: ask `member(name)`. */
  readonly onChange?: (name: string) => void
}

export class GroupView {
  private readonly spec: GroupViewSpec
  private readonly cache: NodeCache

  constructor(spec: GroupViewSpec) {
    this.spec = spec
    const start = `${spec.groupPath}/`
    this.cache = new NodeCache({
      ...spec,
      path: spec.groupPath,
      onChange: (path) => {
        if (path.startsWith(start)) spec.onChange?.(path.slice(start.length))
      },
    })
  }

  /** Resolves when the members have been read once. */
  get ready(): Promise<void> {
    return this.cache.ready
  }

  /** See `NodeCache`: without a server the list is old. */
  get isCurrent(): boolean {
    return this.cache.isCurrent
  }

  names(): readonly string[] {
    return this.cache.children(this.spec.groupPath).filter((name) => this.member(name) !== undefined)
  }

  /** undefined: there is none, or its node is malformed (`onTrouble` was told). */
  member(name: string): Member | undefined {
    const path = `${this.spec.groupPath}/${name}`
    const node = this.cache.node(path)
    if (node === undefined) return undefined
    try {
      return parseMember(path, node.data)
    } catch (error) {
      if (!isStreamError(error)) throw error
      this.spec.onTrouble?.(error)
      return undefined
    }
  }

  stop(): Promise<void> {
    return this.cache.stop()
  }
}
