/** What a task knows of itself: the `TopologyContext` of one task. */
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { Histogram, Logger, TopologyContext } from '../../topology/context.ts'
import type { EngineServices } from './services.ts'

export interface ContextFacts {
  readonly componentId: string
  readonly task: number
  readonly taskIndex: number
  readonly taskCount: number
  readonly componentIds: readonly string[]
  readonly signal: AbortSignal
}

export function makeContext(facts: ContextFacts, services: EngineServices): TopologyContext {
  const { componentId, task } = facts
  const log: Logger = services.log.with({ topology: services.topologyName, component: componentId, task })
  const random = services.random.split(`task/${task}/${services.incarnation}`)
  return {
    topology: services.topologyName,
    component: componentId,
    task,
    taskIndex: facts.taskIndex,
    taskCount: facts.taskCount,
    incarnation: services.incarnation,
    worker: services.worker,
    config: services.config,
    resources: services.resources,
    log,
    signal: facts.signal,
    now: () => services.host.clock.now(),
    random: () => random.next(),
    tasksOf(component) {
      const tasks = services.tasksOf(component)
      if (tasks.length > 0) return tasks
      const guess = nearest(component, facts.componentIds)
      throw new UsageError(
        'UNKNOWN_COMPONENT',
        `tasksOf: no component "${component}"${guess === undefined ? '' : `, did you mean "${guess}"?`}`,
        { component },
      )
    },
    counter: (name) => services.metrics.counter(componentId, task, name),
    gauge: (name, read) => services.metrics.gauge(componentId, task, name, read),
    histogram: (name): Histogram => services.metrics.histogram(componentId, task, name),
    reportError: (error) => services.desk.report({ componentId, task, error }),
  }
}
