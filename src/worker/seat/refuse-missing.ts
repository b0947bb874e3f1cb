/**
 * What this version has nothing behind is refused, not passed over: checkpoints, which exactly-once rests on,
 * and state beyond the heap.
 */
import { UsageError } from '../../base/errors.ts'
import type { CompiledSettings } from '../../topology/expand.ts'

/** @throws UsageError CONFIG_INVALID_VALUE, GUARANTEE_NOT_POSSIBLE */
export function refuseMissing(settings: CompiledSettings): void {
  if (settings.topology.stateBackend !== 'memory') {
    throw new UsageError(
      'CONFIG_INVALID_VALUE',
      `stateBackend '${settings.topology.stateBackend}': this version keeps state in memory only`,
      { key: 'topology.state.backend' },
    )
  }
  if (settings.topology.guarantee !== 'exactly-once') return
  throw new UsageError(
    'GUARANTEE_NOT_POSSIBLE',
    'this version has no checkpoints yet, so it cannot run a topology with guarantee exactly-once; ' +
      'set guarantee to at-least-once',
  )
}
