/** Calls that bring a topology in: submit, and what one would do. */
import type { NimbusApi, PreviewReply } from '../../rpc/nimbus-api.ts'
import { permit } from '../permissions.ts'
import { examine } from '../submit/examine.ts'
import { changesBetween } from '../submit/preview.ts'
import { submit } from '../submit/submit.ts'
import { type Desk, leading } from './desk.ts'
import { shapeNow } from './find.ts'
import { freeSlots } from './node-status.ts'

export function submitCalls(desk: Desk): Pick<NimbusApi, 'submit' | 'preview'> {
  return {
    async submit(caller, request) {
      permit(caller, 'submit', desk.settings)
      return submit(desk, request)
    },

    async preview(caller, request): Promise<PreviewReply> {
      permit(caller, 'submit', desk.settings)
      leading(desk)
      await desk.board.sync()
      const { outline, refusals, warnings } = await examine(desk, request)
      const { view } = desk.board
      const running = view.topologies.get(view.names.get(request.name) ?? '')
      const before = running && shapeNow(desk, running.record)?.outline
      const free = freeSlots({ view, now: desk.host.clock.now() })
      const shortage = outline.workers > free ? [shortageOf(outline.workers, free)] : []
      return {
        findings: [
          ...refusals.map((each) => ({ severity: 'error' as const, ...each })),
          ...warnings.map((each) => ({ severity: 'warning' as const, ...each })),
          ...shortage,
        ],
        changes: before === undefined ? [] : changesBetween(before, outline),
        slots: { needed: outline.workers, free },
      }
    },
  }
}

/** It is accepted all the same: what is not placed waits for slots. */
function shortageOf(needed: number, free: number): PreviewReply['findings'][number] {
  const wanted = needed === 1 ? 'one worker' : `${needed} workers`
  const there = free === 0 ? 'no slot is' : free === 1 ? 'one slot is' : `${free} slots are`
  const message = `the topology asks for ${wanted}, ${there} free`
  return { severity: 'warning', code: 'NOT_ENOUGH_SLOTS', message }
}
