/** What is written about nodes: the blacklist, and the drain of what is at risk. Pure. */
import type { BoardWrite } from '../../cluster/board.ts'
import type { NodeRecord } from '../../cluster/records.ts'
import type { ScheduleRequest } from '../../schedule/request.ts'
import { judgeBlacklist } from '../judge/judge-blacklist.ts'
import { type DrainVerdict, judgeDrain } from '../judge/judge-drain.ts'
import type { NewEvent } from '../monitor/event-ring.ts'
import type { RoundFacts } from './facts.ts'

export interface NodeDecision {
  readonly write: BoardWrite
  readonly event: NewEvent
}

export interface NodesJudged {
  /** Times at which each was judged dead, milliseconds since 1970. */
  readonly failures: ReadonlyMap<string, readonly number[]>
  readonly risks: ReadonlyMap<string, readonly string[]>
  /** undefined: the scheduler could not be asked, and is not asked now. */
  readonly request: ScheduleRequest | undefined
  /** What the scheduler threw when it was asked for more than the plan. */
  readonly onTrouble: (error: unknown) => void
}

export function decideNodes(facts: RoundFacts, judged: NodesJudged): readonly NodeDecision[] {
  return [...blacklist(facts, judged.failures), ...drain(facts, judged)]
}

function blacklist(facts: RoundFacts, failures: NodesJudged['failures']): readonly NodeDecision[] {
  const { spanMs, failuresMax: count, resumeMs } = facts.settings.blacklist
  return [...failures].flatMap(([node, failuresMs]): NodeDecision[] => {
    const found = facts.view.nodes.get(node)
    const untilMs = found?.record.blacklistedUntil
    const verdict = judgeBlacklist({ nowMs: facts.now, failuresMs, untilMs }, { spanMs, count, resumeMs })
    if (!verdict.isListed || verdict.untilMs === untilMs) return []
    const { why } = verdict
    const isDraining = found?.record.isDraining ?? false
    const record: NodeRecord = { node, isDraining, blacklistedUntil: verdict.untilMs, why }
    return [
      {
        write: { kind: 'put-node', record, version: found?.version },
        event: { at: facts.now, kind: 'node-blacklisted', node, message: `${node} ${why}` },
      },
    ]
  })
}

function drain(facts: RoundFacts, judged: NodesJudged): readonly NodeDecision[] {
  const { node, why } = tryJudgeDrain(facts, judged)
  if (node === undefined) return []
  const found = facts.view.nodes.get(node)
  const blacklistedUntil = found?.record.blacklistedUntil
  const record: NodeRecord = {
    node,
    isDraining: true,
    blacklistedUntil,
    why: `at risk: ${why}`.slice(0, 1_000),
  }
  return [
    {
      write: { kind: 'put-node', record, version: found?.version },
      event: {
        at: facts.now,
        kind: 'node-drained',
        node,
        message: `${node} is drained, it is at risk: ${why}`,
      },
    },
  ]
}

/** A bug that only this question brings out costs the drain, and not the leader. */
function tryJudgeDrain(facts: RoundFacts, { risks, request, onTrouble }: NodesJudged): DrainVerdict {
  const isEnabled = facts.settings.drainsAtRisk
  if (!isEnabled || request === undefined) return { node: undefined, why: 'not asked' }
  try {
    return judgeDrain({ isEnabled, request, risks })
  } catch (error) {
    onTrouble(error)
    return { node: undefined, why: 'the scheduler failed' }
  }
}
