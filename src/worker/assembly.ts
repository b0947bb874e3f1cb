/**
 * Puts a worker's part of a topology together: executors, tasks, their outputs and the routes between them.
 *
 * Route: WorkerSpec (what to run) → [assembly] → executors that worker.ts starts.
 *
 * Order matters: receivers first, then outputs, so that cycles need no special case.
 *
 * When executors come and go (`rearrange`), those that stay keep their tasks, with state and all; only where
 * their tuples go is made anew.
 */
import { assert } from '../base/assert.ts'
import type { AckRouter } from '../flow/ack/ack-router.ts'
import { BasicTask } from '../flow/executor/bolt/basic-task.ts'
import { BoltExecutor } from '../flow/executor/bolt/bolt-executor.ts'
import type { BoltTask } from '../flow/executor/bolt/bolt-task.ts'
import { KeyedTask } from '../flow/executor/bolt/keyed-task.ts'
import { RichTask } from '../flow/executor/bolt/rich-task.ts'
import { makeContext } from '../flow/executor/context.ts'
import type { EngineServices } from '../flow/executor/services.ts'
import { SinkTask } from '../flow/executor/sink/sink-task.ts'
import { IterableSpoutTask } from '../flow/executor/spout/iterable-spout-task.ts'
import { PlainSpoutTask } from '../flow/executor/spout/plain-spout-task.ts'
import { ReplayableSpoutTask } from '../flow/executor/spout/replayable-spout-task.ts'
import { SpoutExecutor } from '../flow/executor/spout/spout-executor.ts'
import type { SpoutTask } from '../flow/executor/spout/spout-task.ts'
import { type TaskIdentity, TaskOutputs } from '../flow/executor/task-identity.ts'
import { TaskStats } from '../flow/executor/task-stats.ts'
import type { RangeSample } from '../flow/route/range.ts'
import type { Route } from '../flow/route/route.ts'
import { StreamOutput } from '../flow/route/stream-output.ts'
import { type Emitter, Target } from '../flow/route/target.ts'
import type { Link } from '../flow/transfer/link.ts'
import type { MemoryAccount } from '../state/memory-account.ts'
import { TaskStates } from '../state/task-state.ts'
import type { BoltDefinition, SpoutDefinition, TaskStateViews } from '../topology/definition.ts'
import type { ExecutorPlan } from '../topology/expand.ts'
import { type Component, DEAD_LETTER_STREAM, type Input, readersOf } from '../topology/topology.ts'
import { makeSourceAdmit } from './admit.ts'
import { debugHook } from './debug-hook.ts'
import { cyclicEdges, edgeForm } from './edges.ts'
import { guardHook } from './guard-hook.ts'
import { makeRoute } from './make-route.ts'
import { type WorkerSpec, workerOf } from './spec.ts'
import type { StreamTable } from './stream-table.ts'

export interface Assembly {
  readonly bolts: readonly BoltExecutor[]
  readonly spouts: readonly SpoutExecutor[]
  readonly boltTasks: readonly BoltTask[]
  readonly spoutTasks: readonly SpoutTask[]
  readonly routes: readonly Route[]
  readonly receivers: ReadonlyMap<number, BoltExecutor>
}

export interface AssemblyParts {
  readonly spec: WorkerSpec
  readonly services: EngineServices
  readonly streams: StreamTable
  readonly linkTo: (worker: number) => Link
  readonly account: MemoryAccount
}

/** Executors of a worker: some of them. */
export interface Executors {
  readonly bolts: readonly BoltExecutor[]
  readonly spouts: readonly SpoutExecutor[]
}

export class Assembler implements Assembly {
  readonly receivers = new Map<number, BoltExecutor>()
  bolts: readonly BoltExecutor[] = []
  spouts: readonly SpoutExecutor[] = []
  boltTasks: readonly BoltTask[] = []
  spoutTasks: readonly SpoutTask[] = []
  routes: Route[] = []
  private spec: WorkerSpec
  private readonly parts: AssemblyParts
  private readonly isCyclic: (from: string, to: string) => boolean
  private readonly samples = new Map<Input, RangeSample>()
  /** By their numbers. */
  private readonly boltsHere = new Map<number, BoltExecutor>()
  private readonly spoutsHere = new Map<number, SpoutExecutor>()

  constructor(parts: AssemblyParts) {
    this.parts = parts
    this.spec = parts.spec
    this.isCyclic = cyclicEdges(parts.spec.topology)
    this.add(this.plansHere())
    this.listAll()
  }

  /**
   * The same topology with another placement: executors that are new here are made, those that are not here
   * any more are taken out, and all routes are made anew. Only while nothing is in flight.
   */
  rearrange(spec: WorkerSpec): { readonly came: Executors; readonly left: Executors } {
    this.spec = spec
    const plans = this.plansHere()
    const left = this.takeOut(new Set(plans.map(({ executor }) => executor)))
    const kept = [...this.boltTasks, ...this.spoutTasks].map(({ self }) => self)
    const isKept = ({ executor }: ExecutorPlan) =>
      this.boltsHere.has(executor) || this.spoutsHere.has(executor)
    const fresh = plans.filter((plan) => !isKept(plan))
    this.routes = []
    this.add(fresh)
    const gone = new Set<unknown>([...left.bolts, ...left.spouts].flatMap((each) => tasksOf(each)))
    for (const self of kept) if (!gone.has(self)) this.reroute(self)
    this.listAll()
    const bolts = fresh.flatMap(({ executor }) => this.boltsHere.get(executor) ?? [])
    const spouts = fresh.flatMap(({ executor }) => this.spoutsHere.get(executor) ?? [])
    return { came: { bolts, spouts }, left }
  }

  private plansHere(): readonly ExecutorPlan[] {
    const { expanded, placement, worker } = this.spec
    return expanded.executors.filter((plan) => placement[plan.executor - 1] === worker)
  }

  private add(plans: readonly ExecutorPlan[]): void {
    const { services } = this.parts
    const boltPlans: Array<readonly [ExecutorPlan, BoltExecutor]> = []
    for (const plan of plans) {
      const component = this.spec.topology.components.get(plan.componentId)
      if (component?.definition.kind !== 'bolt') continue
      const { executorReceiveBufferSize } = this.settingsOf(plan.componentId)
      const executor = new BoltExecutor(plan.componentId, executorReceiveBufferSize, services.loop)
      for (const task of plan.tasks) this.receivers.set(task, executor)
      boltPlans.push([plan, executor])
      this.boltsHere.set(plan.executor, executor)
    }
    for (const [plan, executor] of boltPlans) this.fillBolt(plan, executor)
    for (const plan of plans) this.addSpout(plan)
  }

  private takeOut(wanted: ReadonlySet<number>): Executors {
    const bolts: BoltExecutor[] = []
    const spouts: SpoutExecutor[] = []
    for (const [number, bolt] of this.boltsHere) {
      if (wanted.has(number)) continue
      this.boltsHere.delete(number)
      for (const { self } of bolt.allTasks) this.receivers.delete(self.task)
      bolts.push(bolt)
    }
    for (const [number, spout] of this.spoutsHere) {
      if (wanted.has(number)) continue
      this.spoutsHere.delete(number)
      spouts.push(spout)
    }
    return { bolts, spouts }
  }

  private reroute(self: TaskIdentity): void {
    const component = this.componentOf(self.componentId)
    for (const [streamId, output] of self.outputs.byId) {
      const routes = this.routesOf(component, streamId, self.task, self.context)
      output.reroute(routes)
      this.routes.push(...routes)
    }
    self.outputs.tryEncode = this.parts.services.tryEncode
  }

  /** In order of their numbers. */
  private listAll(): void {
    const inOrder = <E>(of: ReadonlyMap<number, E>) =>
      [...of].sort(([a], [b]) => a - b).map(([, each]) => each)
    this.bolts = inOrder(this.boltsHere)
    this.spouts = inOrder(this.spoutsHere)
    this.boltTasks = this.bolts.flatMap((bolt) => bolt.allTasks)
    this.spoutTasks = this.spouts.flatMap((spout) => spout.allTasks)
  }

  private fillBolt(plan: ExecutorPlan, executor: BoltExecutor): void {
    const component = this.componentOf(plan.componentId)
    const { definition } = component
    assert(definition.kind === 'bolt', 'the plan of a bolt')
    executor.setTasks(plan.tasks.map((task) => this.makeBoltTask(component, definition, task, executor)))
  }

  private addSpout(plan: ExecutorPlan): void {
    const component = this.spec.topology.components.get(plan.componentId)
    if (component?.definition.kind !== 'spout') return
    const { definition } = component
    const executor = new SpoutExecutor(component.id, this.parts.services)
    executor.setTasks(plan.tasks.map((task) => this.makeSpoutTask(component, definition, task, executor)))
    this.spoutsHere.set(plan.executor, executor)
  }

  private makeBoltTask(
    component: Component,
    definition: BoltDefinition,
    task: number,
    home: BoltExecutor,
  ): BoltTask {
    const { services, account } = this.parts
    const self = this.identityOf(component, task, home)
    const keyFields = this.keyFieldsOf(component)
    switch (definition.form) {
      case 'basic':
        return new BasicTask(self, services, home, {
          definition,
          keyFields,
          taskState: this.taskStateOf(definition),
        })
      case 'rich':
        return new RichTask(self, services, home, {
          definition,
          keyFields,
          taskState: this.taskStateOf(definition),
        })
      case 'keyed':
        return new KeyedTask(self, services, home, {
          definition,
          account,
          callSoon: (callback) => home.callSoon(callback),
        })
      case 'sink':
        return new SinkTask(self, services, home, definition)
    }
  }

  private taskStateOf(definition: BoltDefinition): TaskStateViews {
    const { services, account } = this.parts
    return new TaskStates(definition.states, { nowMs: () => services.host.clock.now(), account }).views
  }

  private makeSpoutTask(
    component: Component,
    definition: SpoutDefinition,
    task: number,
    home: SpoutExecutor,
  ): SpoutTask {
    const { services } = this.parts
    const self = this.identityOf(component, task, home)
    switch (definition.form) {
      case 'plain':
        return new PlainSpoutTask(self, services, home, definition)
      case 'iterable':
        return new IterableSpoutTask(self, services, home, definition)
      case 'replayable':
        return new ReplayableSpoutTask(self, services, home, definition)
    }
  }

  private identityOf(component: Component, task: number, emitter: Emitter): TaskIdentity {
    const { services } = this.parts
    const { spec } = this
    const end = new AbortController()
    const plan = spec.expanded.tasks[task - 1]
    assert(plan !== undefined, 'tasks are numbered without gaps')
    const context = makeContext(
      {
        componentId: component.id,
        task,
        taskIndex: plan.taskIndex,
        taskCount: spec.expanded.componentTasks.get(component.id)?.length ?? 1,
        componentIds: [...spec.topology.components.keys()],
        signal: end.signal,
      },
      services,
    )
    const report = (error: unknown) => services.desk.report({ componentId: component.id, task, error })
    const made = services.makeHooks.map((make) => guardHook(make(), report))
    if (this.settingsOf(component.id).debug) made.push(debugHook(context.log))
    const hooks = made.length > 0 ? made : undefined
    const outputs = this.outputsOf(component, task, emitter, context)
    const stats = new TaskStats(component.id, task, component.definition.kind)
    stats.streams = outputs
    return {
      componentId: component.id,
      task,
      taskIndex: plan.taskIndex,
      settings: this.settingsOf(component.id),
      context,
      stats,
      outputs: new TaskOutputs(component.id, outputs, { ...services, admit: this.admitOf(component) }, hooks),
      hooks,
      end,
    }
  }

  private admitOf({ definition }: Component): EngineServices['admit'] {
    const { services } = this.parts
    if (definition.kind === 'bolt') return services.admit
    const schemas = [...definition.outputs.values()].map(({ schema }) => schema)
    return makeSourceAdmit(services.admit, services.settings, schemas)
  }

  private outputsOf(
    component: Component,
    task: number,
    emitter: Emitter,
    context: TaskIdentity['context'],
  ): ReadonlyMap<string, StreamOutput> {
    const { services, streams } = this.parts
    const ends = {
      ids: services.ids,
      emitter,
      onLeave: (root: Parameters<AckRouter['leave']>[0]) => services.acks.leave(root),
    }
    const outputs = new Map<string, StreamOutput>()
    for (const streamId of [...component.definition.outputs.keys(), DEAD_LETTER_STREAM]) {
      const ref = streams.find(component.id, streamId)
      assert(ref !== undefined, 'every declared stream is in the table')
      const routes = this.routesOf(component, streamId, task, context)
      outputs.set(streamId, new StreamOutput(ref, task, routes, ends))
      this.routes.push(...routes)
    }
    return outputs
  }

  private routesOf(
    component: Component,
    streamId: string,
    task: number,
    context: TaskIdentity['context'],
  ): Route[] {
    const { services } = this.parts
    const { spec } = this
    return readersOf(spec.topology, component.id, streamId).map(({ component: reader, input }) => {
      const tasks = spec.expanded.componentTasks.get(reader.id) ?? []
      const here = {
        senders: this.countHere(component.id),
        targets: tasks.filter((target) => this.receivers.has(target)).length,
      }
      const form = edgeForm(spec, reader, input, here, this.isCyclic(component.id, reader.id))
      const targets = tasks.map((target) => this.targetOf(target, form))
      return makeRoute({
        reader,
        input,
        targets,
        settings: services.settings,
        random: services.random.split(`route/${task}/${streamId}/${reader.id}`),
        context,
        pairedIndex: form.isPaired ? (spec.expanded.tasks[task - 1]?.taskIndex ?? 0) : undefined,
        busyShare: () => services.loop.busyShare,
        samples: this.samples,
      })
    })
  }

  private targetOf(task: number, form: { readonly isChained: boolean; readonly isHolding: boolean }): Target {
    const receiver = this.receivers.get(task)
    if (receiver !== undefined) return new Target(task, { receiver }, form.isChained, form.isHolding)
    const link = this.parts.linkTo(workerOf(this.spec, task))
    return new Target(task, { link }, false, form.isHolding)
  }

  private countHere(componentId: string): number {
    const { spec } = this
    const tasks = spec.expanded.componentTasks.get(componentId) ?? []
    return tasks.filter((task) => workerOf(spec, task) === spec.worker).length
  }

  private keyFieldsOf(component: Component): ReadonlyMap<number, readonly string[]> {
    const fields = new Map<number, readonly string[]>()
    for (const { componentId, streamId, grouping } of component.inputs) {
      const ref = this.parts.streams.find(componentId, streamId)
      if (ref !== undefined && 'fields' in grouping) fields.set(ref.number, grouping.fields)
    }
    return fields
  }

  private componentOf(componentId: string): Component {
    const component = this.spec.topology.components.get(componentId)
    assert(component !== undefined, 'a plan names components of the topology')
    return component
  }

  private settingsOf(componentId: string): TaskIdentity['settings'] {
    const settings = this.spec.settings.components.get(componentId)
    assert(settings !== undefined, 'settings are compiled for every component')
    return settings
  }
}

function tasksOf(executor: BoltExecutor | SpoutExecutor): readonly TaskIdentity[] {
  return executor.allTasks.map(({ self }) => self)
}
