/**
 * What a submit would change against the version that runs under the name. Pure: two outlines in,
 * differences out.
 */
import type { PreviewReply } from '../../rpc/nimbus-api.ts'
import type { Json } from '../../topology/describe/document.ts'
import type { ComponentOutline, TopologyOutline } from '../../topology/describe/outline.ts'

type Change = PreviewReply['changes'][number]

/** A preview is for people: what differs beyond it is counted. */
const CHANGES_MAX = 500
const TEXT_MAX = 200

export function changesBetween(before: TopologyOutline, after: TopologyOutline): readonly Change[] {
  const all = [
    ...componentChanges(before, after),
    ...groupingChanges(before, after),
    ...stateChanges(before, after),
    ...configChanges(before, after),
  ]
  if (all.length <= CHANGES_MAX) return all
  const rest = all.length - CHANGES_MAX
  return [...all.slice(0, CHANGES_MAX), change('config', 'and more', undefined, `${rest} more changes`)]
}

function componentChanges(before: TopologyOutline, after: TopologyOutline): readonly Change[] {
  const old = new Map(before.components.map((each) => [each.id, each]))
  const now = new Map(after.components.map((each) => [each.id, each]))
  return union(old, now).flatMap((id): Change[] => {
    const a = old.get(id)
    const b = now.get(id)
    if (a === undefined) return [change('component-added', id, undefined, b && parallelismText(b))]
    if (b === undefined) return [change('component-removed', id, parallelismText(a), undefined)]
    const [from, to] = [parallelismText(a), parallelismText(b)]
    return from === to ? [] : [change('parallelism', id, from, to)]
  })
}

function parallelismText({ executors, tasks }: ComponentOutline): string {
  const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`
  return `${counted(executors, 'executor')}, ${counted(tasks, 'task')}`
}

function groupingChanges(before: TopologyOutline, after: TopologyOutline): readonly Change[] {
  const old = groupings(before)
  const now = groupings(after)
  return union(old, now).flatMap((subject) => {
    const [from, to] = [old.get(subject), now.get(subject)]
    return from === to ? [] : [change('grouping', subject, from, to)]
  })
}

/** `split:default → count`: its grouping in words. Several of one stream to one reader are one line. */
function groupings({ document }: TopologyOutline): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [id, component] of Object.entries(document.components)) {
    for (const { component: from, stream, grouping, fields } of component.inputs) {
      const subject = `${from}:${stream} → ${id}`
      const text = fields.length === 0 ? grouping : `${grouping} on ${fields.join(', ')}`
      const before = found.get(subject)
      found.set(subject, before === undefined ? text : `${before}; ${text}`)
    }
  }
  return found
}

function stateChanges(before: TopologyOutline, after: TopologyOutline): readonly Change[] {
  const old = states(before)
  const now = states(after)
  return union(old, now).flatMap((subject) => {
    const [from, to] = [old.get(subject), now.get(subject)]
    if (from === undefined) return [change('state-added', subject, undefined, to)]
    if (to === undefined) return [change('state-dropped', subject, from, undefined)]
    return from === to ? [] : [change('state-migrated', subject, from, to)]
  })
}

function states({ document }: TopologyOutline): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [id, component] of Object.entries(document.components)) {
    for (const [name, kind] of Object.entries(component.state)) found.set(`${id}.${name}`, kind)
  }
  return found
}

function configChanges(before: TopologyOutline, after: TopologyOutline): readonly Change[] {
  const changes: Change[] = []
  for (const name of ['guarantee', 'workers', 'scheduler', 'priority'] as const) {
    if (before[name] !== after[name])
      changes.push(
        change('config', name, String(before[name] ?? 'default'), String(after[name] ?? 'default')),
      )
  }
  const old = members(before.document.config)
  const now = members(after.document.config)
  for (const name of union(old, now)) {
    const [from, to] = [text(old.get(name)), text(now.get(name))]
    // Told already, as what it comes to.
    if (from !== to && name !== 'workers' && name !== 'guarantee')
      changes.push(change('config', name, from, to))
  }
  return changes
}

function members(json: Json): ReadonlyMap<string, Json> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return new Map()
  return new Map(Object.entries(json))
}

function text(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value).slice(0, TEXT_MAX)
}

function union(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): readonly string[] {
  return [...new Set([...a.keys(), ...b.keys()])].sort()
}

function change(
  kind: string,
  subject: string,
  before: string | undefined,
  after: string | undefined,
): Change {
  return { kind, subject, before, after }
}
