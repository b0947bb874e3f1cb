/**
 * A topology while it is being built: what TopologyBuilder and the handles write into, until it is closed.
 *
 * Does not check what depends on the whole graph: validate.ts does, on the finished Topology.
 */
import { UsageError } from '../../base/errors.ts'
import type { ComponentConfig, TopologyConfig } from '../../config/topology-config.ts'
import type { ComponentDefinition } from '../definition.ts'
import type { TaskHook, WorkerHook } from '../hook.ts'
import { type Component, DEAD_LETTER_STREAM, type Input, type Topology } from '../topology.ts'
import { kindOf, refused } from './expect.ts'
import { downstreamOf } from './walk.ts'

/** Stands for every component, as the source of `builder.deadLetters`. No id can be this. */
export const ALL_COMPONENTS = '*'

/** Letters, digits, minus, dot, single underscores; none at the beginning twice. */
const ID = /^(?!__)[A-Za-z0-9._-]+$/

interface Draft {
  readonly definition: ComponentDefinition
  readonly placement: ComponentConfig
  readonly inputs: Input[]
  readonly where: string | undefined
}

export class Graph {
  private readonly config: TopologyConfig
  private readonly drafts = new Map<string, Draft>()
  private readonly workerHooks: (() => WorkerHook)[] = []
  private readonly taskHooks: (() => TaskHook)[] = []
  private closed = false

  constructor(config: TopologyConfig) {
    this.config = config
  }

  /** @throws UsageError BUILDER_CLOSED, RESERVED_ID, DUPLICATE_COMPONENT */
  add(
    id: string,
    definition: ComponentDefinition,
    placement: ComponentConfig,
    where: string | undefined,
  ): void {
    this.refuseIfClosed(`placing '${id}'`)
    checkId(id, where)
    const former = this.drafts.get(id)
    if (former !== undefined) {
      const at = former.where === undefined ? '' : `, first at ${former.where}`
      throw new UsageError('DUPLICATE_COMPONENT', `there are two components '${id}'${at}`, facts(id, where))
    }
    this.drafts.set(id, { definition, placement, inputs: [], where })
  }

  /** Adds an input to a component that is there. */
  connect(id: string, input: Input): void {
    this.refuseIfClosed(`a grouping of '${id}'`)
    this.drafts.get(id)?.inputs.push(input)
  }

  definitionOf(id: string): ComponentDefinition | undefined {
    return this.drafts.get(id)?.definition
  }

  addWorkerHook(make: () => WorkerHook): void {
    this.refuseIfClosed('a worker hook')
    this.workerHooks.push(expectedHook('addWorkerHook', make))
  }

  addTaskHook(make: () => TaskHook): void {
    this.refuseIfClosed('a task hook')
    this.taskHooks.push(expectedHook('addTaskHook', make))
  }

  /** The finished topology. From now on nothing can be added. */
  close(name: string | undefined): Topology {
    this.refuseIfClosed('createTopology')
    this.closed = true
    const components = new Map<string, Component>()
    for (const [id, draft] of this.drafts) components.set(id, { id, ...draft })
    return {
      name,
      config: this.config,
      components: withDeadLetters(components),
      workerHooks: this.workerHooks,
      taskHooks: this.taskHooks,
    }
  }

  private refuseIfClosed(what: string): void {
    if (!this.closed) return
    throw new UsageError('BUILDER_CLOSED', `${what} comes after the topology was created`)
  }
}

function facts(id: string, where: string | undefined): Readonly<Record<string, string>> {
  return where === undefined ? { component: id } : { component: id, where }
}

function checkId(id: unknown, where: string | undefined): void {
  if (typeof id !== 'string') throw refused(`the id of a component must be a text, but is ${kindOf(id)}`)
  if (ID.test(id)) return
  const why = 'ids are letters, digits, minus, dot and single underscores'
  throw new UsageError('RESERVED_ID', `the id '${id}' cannot be used: ${why}`, facts(id, where))
}

function expectedHook<Hook>(call: string, make: () => Hook): () => Hook {
  if (typeof make === 'function') return make
  throw refused(`${call} needs a function that makes a hook, but was given ${kindOf(make)}`)
}

/**
 * Replaces inputs from all dead letters by one for each component. Left out are those who read them, and all
 * that is fed by them: their dead letters would come back to them for ever, and go to the built-in store
 * instead.
 */
function withDeadLetters(components: ReadonlyMap<string, Component>): ReadonlyMap<string, Component> {
  const readers = [...components.values()].filter((component) => component.inputs.some(readsAll))
  if (readers.length === 0) return components
  const fed = downstreamOf(
    components,
    readers.map((reader) => reader.id),
  )
  const sources = [...components.keys()].filter((id) => !fed.has(id))
  const spread = (input: Input): readonly Input[] =>
    readsAll(input) ? sources.map((componentId) => ({ ...input, componentId })) : [input]
  const all = [...components.values()].map((component): [string, Component] => {
    return [component.id, { ...component, inputs: component.inputs.flatMap(spread) }]
  })
  return new Map(all)
}

function readsAll(input: Input): boolean {
  return input.componentId === ALL_COMPONENTS && input.streamId === DEAD_LETTER_STREAM
}
