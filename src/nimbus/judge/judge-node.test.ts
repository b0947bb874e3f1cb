// Goal: a node is moved on two signs and never on one, and a leader waits for nobody in vain. Method: the
// cases of the drawing by name; then every combination of ages of every sign, against the rules said in other
// words, and against what must follow when only time goes on.
import { describe, expect, test } from 'vitest'
import { judgeNode, LEASE_GRACE_MS, type NodeSeen } from './judge-node.ts'

const LIMITS = { silentMs: 5_000, leaseMs: 10_000 }
const NOW = 1_000_000

function seenOf(more: Partial<NodeSeen>): NodeSeen {
  const old = NOW - 500_000
  const facts = { sessionLostSinceMs: undefined, heartbeatMs: NOW - 500, peersHeardMs: undefined }
  return { nowMs: NOW, leaderSinceMs: old, knownSinceMs: old, ...facts, ...more }
}

function stateOf(more: Partial<NodeSeen>): string {
  return judgeNode(seenOf(more), LIMITS).state
}

describe('a node', () => {
  const cases: readonly (readonly [string, Partial<NodeSeen>, string])[] = [
    ['with session and heartbeats', {}, 'up'],
    ['with its last heartbeat just in time', { heartbeatMs: NOW - 5_000 }, 'up'],
    ['without heartbeats, with its session, however long', { heartbeatMs: NOW - 400_000 }, 'silent'],
    ['without its session, with heartbeats', { sessionLostSinceMs: NOW - 60_000 }, 'silent'],
    ['without both', { sessionLostSinceMs: NOW - 1, heartbeatMs: NOW - 5_001 }, 'dead'],
    [
      'without both, heard by peers',
      { sessionLostSinceMs: NOW - 1, heartbeatMs: NOW - 6_000, peersHeardMs: NOW - 1_000 },
      'silent',
    ],
    [
      'without both, heard by peers, its lease over',
      { sessionLostSinceMs: NOW - 1, heartbeatMs: NOW - 11_000, peersHeardMs: NOW - 1_000 },
      'dead',
    ],
    [
      'without both, not heard by peers any more',
      { sessionLostSinceMs: NOW - 1, heartbeatMs: NOW - 6_000, peersHeardMs: NOW - 5_001 },
      'dead',
    ],
    ['that has just joined', { heartbeatMs: undefined, knownSinceMs: NOW - 4_000 }, 'up'],
    ['that joined and never spoke', { heartbeatMs: undefined, knownSinceMs: NOW - 6_000 }, 'silent'],
    [
      'with a session, before a new leader has heard of it',
      { heartbeatMs: undefined, leaderSinceMs: NOW - 2_000, knownSinceMs: NOW - 2_000 },
      'up',
    ],
    [
      'whose session was gone before the leader led: nobody waits for it',
      {
        heartbeatMs: undefined,
        sessionLostSinceMs: NOW - 10,
        leaderSinceMs: NOW - 10,
        knownSinceMs: NOW - 10,
      },
      'dead',
    ],
    [
      'whose session went just after the leader began, before a heartbeat',
      {
        heartbeatMs: undefined,
        sessionLostSinceMs: NOW - 5,
        leaderSinceMs: NOW - 10,
        knownSinceMs: NOW - 10,
      },
      'silent',
    ],
    [
      'whose session was gone before, but which speaks to the new leader',
      { heartbeatMs: NOW - 5, sessionLostSinceMs: NOW - 10, leaderSinceMs: NOW - 10, knownSinceMs: NOW - 10 },
      'silent',
    ],
  ]
  for (const [name, more, state] of cases) test(`${name}: ${state}`, () => expect(stateOf(more)).toBe(state))

  test('is told of in words, with its figures', () => {
    const seen = seenOf({ sessionLostSinceMs: NOW - 1_200, heartbeatMs: NOW - 7_000 })
    expect(judgeNode(seen, LIMITS).why).toBe('its session is gone for 1.2 s, no heartbeat for 7.0 s')
  })
})

/** Every age that lies on one side or the other of a limit. */
const AGES = [0, 1, 4_999, 5_000, 5_001, 9_999, 10_999, 11_000, 11_001, 60_000]
const MAYBE = [undefined, ...AGES]

function everything(): readonly NodeSeen[] {
  const at = (age: number | undefined) => (age === undefined ? undefined : NOW - age)
  const signs = MAYBE.flatMap((session) =>
    MAYBE.flatMap((beat) => MAYBE.map((peers) => [session, beat, peers])),
  )
  const leaders = AGES.flatMap((leader) => AGES.map((known) => [leader, known] as const))
  return signs.flatMap(([session, beat, peers]) =>
    leaders.map(([leader, known]) => ({
      nowMs: NOW,
      sessionLostSinceMs: at(session),
      heartbeatMs: at(beat),
      peersHeardMs: at(peers),
      leaderSinceMs: NOW - leader,
      knownSinceMs: NOW - known,
    })),
  )
}

/** The rules once more, sign by sign. */
function expected(seen: NodeSeen): string {
  const ageOf = (at: number | undefined) => (at === undefined ? undefined : NOW - at)
  const quiet = ageOf(seen.heartbeatMs) ?? Math.min(NOW - seen.leaderSinceMs, NOW - seen.knownSinceMs)
  const isSilent = quiet > LIMITS.silentMs
  const lost = ageOf(seen.sessionLostSinceMs)
  if (lost === undefined) return isSilent ? 'silent' : 'up'
  const wasGone = seen.heartbeatMs === undefined && lost >= NOW - seen.leaderSinceMs
  if (!isSilent && !wasGone) return 'silent'
  const heard = ageOf(seen.peersHeardMs)
  const isHeard = heard !== undefined && heard <= LIMITS.silentMs
  return isHeard && quiet < LIMITS.leaseMs + LEASE_GRACE_MS ? 'silent' : 'dead'
}

test('every combination of signs gives what the rules say', () => {
  let count = 0
  for (const seen of everything()) {
    const { state } = judgeNode(seen, LIMITS)
    if (state !== expected(seen)) expect([seen, state]).toEqual([seen, expected(seen)])
    count += 1
  }
  expect(count).toBe(11 * 11 * 11 * 10 * 10)
})

test('J4: if nothing new is heard, the verdict changes at the time it names and not before', () => {
  for (const seen of everything()) {
    const verdict = judgeNode(seen, LIMITS)
    const at = verdict.lookAgainMs ?? NOW + 1_000_000
    if (at <= NOW) expect([seen, at]).toEqual([seen, 'later'])
    const before = judgeNode({ ...seen, nowMs: at - 1 }, LIMITS)
    if (before.state !== verdict.state) expect([seen, before.state]).toEqual([seen, verdict.state])
    if (verdict.state === 'dead' && verdict.lookAgainMs !== undefined) expect(verdict).toBe('final')
  }
})
