// Runs a script on a coordinator and writes down all that can be seen of it, in a form that does not depend
// on the implementation: no ids, no times, zxids by their order, tags taken out of sequential names.

import { isStreamError } from '../../src/base/errors.ts'
import type { Acl, Coordinator, NodeStat, Operation, WatchEvent } from '../../src/coordinate/coordinator.ts'
import type { Stoppable } from '../../src/host/host.ts'
import { errorOf } from '../contract/coordinator-world.ts'
import { acls, CLIENT_COUNT, type Place, type ScriptCall, type ScriptStep } from './differential-script.ts'

/** Where scripts run: each gets a root of its own. */
export interface Stage {
  /** A connected client below the script's root. `user`: with credentials. */
  connect(user: boolean): Promise<Coordinator>
}

interface Listening {
  readonly title: string
  readonly events: string[]
  readonly client: number
  stop: Stoppable | undefined
}

const encode = (text: string) => new TextEncoder().encode(text)

/** Lines of what was seen, in order. */
export async function play(script: readonly ScriptStep[], stage: Stage): Promise<readonly string[]> {
  const player = new Player(stage)
  await player.open()
  try {
    for (const step of script) await player.step(step)
    return await player.end()
  } finally {
    await player.close()
  }
}

class Player {
  private readonly stage: Stage
  private readonly clients: Coordinator[] = []
  private readonly lines: string[] = []
  private readonly made: string[] = []
  private readonly listenings: Listening[] = []
  /** Session id → who it was. */
  private readonly owners = new Map<bigint, string>()
  private sessionCount = 0

  constructor(stage: Stage) {
    this.stage = stage
  }

  async open(): Promise<void> {
    for (let client = 0; client < CLIENT_COUNT; client += 1) await this.connect(client)
  }

  async step(step: ScriptStep): Promise<void> {
    const client = this.client(step.client)
    // What others wrote has arrived, and what they set off has been told.
    await client.sync('/')
    this.lines.push(`${step.client} ${stepText(step)} => ${await this.play(step, client)}`)
  }

  async end(): Promise<readonly string[]> {
    for (const client of this.clients) await client.sync('/')
    for (const { title, events } of this.listenings) this.lines.push(`${title}: ${events.join(', ')}`)
    await this.dump()
    return this.lines
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()))
  }

  private async play(step: ScriptStep, client: Coordinator): Promise<string> {
    switch (step.kind) {
      case 'create':
      case 'set':
      case 'delete':
        return this.outcome(this.call(client, step))
      case 'check':
        return 'only in a multi'
      case 'get':
        return this.outcome(
          client.get(this.path(step.at)).then(({ data, stat }) => `${data.length} ${this.stat(stat)}`),
        )
      case 'exists':
        return this.outcome(
          client.exists(this.path(step.at)).then((stat) => (stat === undefined ? 'no' : this.stat(stat))),
        )
      case 'children':
        return this.outcome(
          client.children(this.path(step.at)).then((names) => names.map(bare).sort().join()),
        )
      case 'getAcl':
        return this.outcome(client.getAcl(this.path(step.at)).then(aclText))
      case 'setAcl': {
        const acl = step.acl === 'default' ? acls.open : acls[step.acl]
        return this.outcome(
          client.setAcl(this.path(step.at), acl, step.version).then((stat) => this.stat(stat)),
        )
      }
      case 'multi':
        return this.outcome(this.multi(client, step.calls))
      case 'burst': {
        const outcomes = step.calls.map((call) => this.outcome(this.call(client, call)))
        return (await Promise.all(outcomes)).join(' | ')
      }
      case 'watch':
      case 'watchOnce':
        return this.watch(step, client)
      case 'stopWatch':
        return this.stopWatch(step.number)
      case 'reopen':
        await client.close()
        await this.connect(step.client)
        return 'ok'
    }
  }

  private async connect(client: number): Promise<void> {
    const coordinator = await this.stage.connect(client === 0)
    this.clients[client] = coordinator
    this.sessionCount += 1
    this.owners.set(coordinator.sessionId, `session ${this.sessionCount}`)
  }

  private client(index: number): Coordinator {
    const client = this.clients[index]
    if (client === undefined) throw new Error(`no client ${index}`)
    return client
  }

  private async call(client: Coordinator, call: ScriptCall): Promise<string> {
    const path = this.path(call.at)
    switch (call.kind) {
      case 'create': {
        const made = await client.create(path, encode(call.data), createOptions(call))
        if (call.mode.endsWith('sequential')) this.made.push(made)
        return bare(made)
      }
      case 'set':
        return this.stat(await client.set(path, encode(call.data), call.version))
      case 'delete':
        await client.delete(path, call.version)
        return 'ok'
      case 'check':
        return 'only in a multi'
    }
  }

  private async multi(client: Coordinator, calls: readonly ScriptCall[]): Promise<string> {
    const results = await client.multi(calls.map((call) => this.operation(call)))
    for (const [index, result] of results.entries()) {
      const call = calls[index]
      if (call?.kind === 'create' && result.kind === 'create' && call.mode.endsWith('sequential'))
        this.made.push(result.path)
    }
    return results
      .map((result) => {
        if (result.kind === 'create') return `create ${bare(result.path)}`
        return result.kind === 'set' ? `set ${this.stat(result.stat)}` : result.kind
      })
      .join(' | ')
  }

  private operation(call: ScriptCall): Operation {
    const path = this.path(call.at)
    switch (call.kind) {
      case 'create':
        return { kind: 'create', path, data: encode(call.data), options: createOptions(call) }
      case 'set':
        return { kind: 'set', path, data: encode(call.data), version: call.version }
      case 'delete':
      case 'check':
        return { kind: call.kind, path, version: call.version }
    }
  }

  private watch(
    step: Extract<ScriptStep, { kind: 'watch' | 'watchOnce' }>,
    client: Coordinator,
  ): Promise<string> {
    const path = this.path(step.at)
    const number = this.listenings.length
    const title = `events of ${number}, ${step.client} ${step.kind} ${step.of} ${bare(path)}`
    const listening: Listening = { title, events: [], client: step.client, stop: undefined }
    this.listenings.push(listening)
    const listener = (event: WatchEvent) => listening.events.push(`${event.kind} ${bare(event.path)}`)
    const set = async () => {
      if (step.kind === 'watch') listening.stop = await client.watch(path, step.of, listener)
      else await client.watchOnce(path, step.of, listener)
      return 'ok'
    }
    return this.outcome(set())
  }

  private async stopWatch(number: number): Promise<string> {
    const listening = this.listenings[number]
    if (listening?.stop === undefined) return 'none'
    await this.client(listening.client).sync('/')
    listening.stop.stop()
    return 'stopped'
  }

  /** Everything that is there, by the first client, or its refusal. */
  private async dump(): Promise<void> {
    const client = this.client(0)
    const zxids = new Map<string, readonly [bigint, bigint]>()
    const visit = async (path: string): Promise<void> => {
      const node = await client.exists(path)
      if (node === undefined) return
      if (path !== '/') zxids.set(path, [node.createdZxid, node.modifiedZxid])
      this.lines.push(`${bare(path)} ${this.stat(node)}`)
      const children = await client.children(path).catch(() => undefined)
      this.lines.push(`${bare(path)} children ${children?.map(bare).sort().join() ?? 'refused'}`)
      for (const name of [...(children ?? [])].sort((a, b) => (bare(a) < bare(b) ? -1 : 1)))
        await visit(path === '/' ? `/${name}` : `${path}/${name}`)
    }
    await visit('/')
    const all = [...new Set([...zxids.values()].flat())].sort((a, b) => (a < b ? -1 : 1))
    for (const [path, [made, modified]] of zxids)
      this.lines.push(`${bare(path)} order ${all.indexOf(made)} ${all.indexOf(modified)}`)
  }

  private path(place: Place): string {
    return typeof place === 'string' ? place : (this.made[place.made] ?? '/never')
  }

  private async outcome(call: Promise<string>): Promise<string> {
    let answer = ''
    const error = await errorOf(
      call.then((text) => {
        answer = text
      }),
    )
    if (error === undefined) return answer
    if (!isStreamError(error)) throw error
    if (error.family === 'unavailable') throw error
    const index = error.details['index']
    return `${error.code}${index === undefined ? '' : ` at ${index}`}`
  }

  private stat(stat: NodeStat): string {
    const owner = stat.ephemeralOwner === 0n ? 'nobody' : (this.owners.get(stat.ephemeralOwner) ?? 'unknown')
    const isFresh = stat.createdZxid === stat.modifiedZxid ? 'as made' : 'changed'
    return (
      `v${stat.version} c${stat.childrenVersion} a${stat.aclVersion} ${stat.sizeBytes} bytes ` +
      `${stat.childCount} children ${owner} ${isFresh}`
    )
  }
}

function createOptions(call: Extract<ScriptCall, { kind: 'create' }>) {
  return {
    mode: call.mode,
    ...(call.ttlMs === undefined ? {} : { ttlMs: call.ttlMs }),
    ...(call.acl === 'default' ? {} : { acl: acls[call.acl] }),
  }
}

/** Without the tags of sequential names: sixteen hexadecimal digits and a dash before the number. */
function bare(path: string): string {
  return path.replaceAll(/[0-9a-f]{16}-(?=\d{10})/g, '')
}

function aclText(acl: readonly Acl[]): string {
  return acl.map((each) => `${each.scheme} ${each.id} ${[...each.permissions].sort().join()}`).join('; ')
}

function stepText(step: ScriptStep): string {
  return JSON.stringify({ ...step, client: undefined })
}
