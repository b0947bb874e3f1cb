/** A call's views by name, and its two ends. Made by the store, reused when calls do not overlap. */
import { CallScope, type StoreCore } from './call-scope.ts'
import { ListView } from './list-view.ts'
import { MapView } from './map-view.ts'
import type { MapKey } from './state-key.ts'
import type { NamedSpec } from './state-spec.ts'
import type { TimerEntry } from './timer-queue.ts'
import { TimerView } from './timer-view.ts'
import { ValueView } from './value-view.ts'

export type StateView = ValueView | MapView | ListView | TimerView

export class KeyedCall {
  /** What user code gets as `state`. */
  readonly views: Readonly<Record<string, StateView>>
  private readonly scope: CallScope
  private readonly timers: readonly (TimerView | undefined)[]
  private readonly onEnd: (call: KeyedCall) => void

  constructor(core: StoreCore, specs: readonly NamedSpec[], onEnd: (call: KeyedCall) => void) {
    this.scope = new CallScope(core)
    this.onEnd = onEnd
    const made = specs.map((spec) => makeView(this.scope, spec))
    this.views = Object.freeze(Object.fromEntries(specs.map((spec, i) => [spec.name, made[i] as StateView])))
    this.timers = made.map((view) => (view instanceof TimerView ? view : undefined))
  }

  get key(): unknown {
    return this.scope.key
  }

  /** HOT. Called by the store. */
  begin(id: MapKey, key: unknown): void {
    this.scope.begin(id, key, undefined)
  }

  /** Called by the store: a call whose timer fires, and so is not set any more. */
  beginFiring(id: MapKey, firing: TimerEntry): void {
    this.scope.begin(id, firing.slot.key, firing)
    this.timers[firing.index]?.clear()
  }

  /**
   * HOT. The call returned: its writes take effect.
   * @throws UnavailableError STATE_MEMORY_FULL none took effect
   */
  commit(): void {
    try {
      this.scope.commit()
    } finally {
      this.onEnd(this)
    }
  }

  /** The call threw: its writes are forgotten; a timer that was firing is due again. */
  rollBack(): void {
    this.scope.rollBack()
    this.onEnd(this)
  }
}

function makeView(scope: CallScope, spec: NamedSpec): StateView {
  switch (spec.kind) {
    case 'map':
      return new MapView(scope, spec)
    case 'list':
      return new ListView(scope, spec)
    case 'timer':
      return new TimerView(scope, spec)
    default:
      return new ValueView(scope, spec)
  }
}
