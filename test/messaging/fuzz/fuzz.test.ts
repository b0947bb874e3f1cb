// Goal: whatever bytes a peer or a stranger sends, the answer is a valid message or a typed error with the
// connection closed, nothing is lost silently or delivered twice, and memory stays where it was. Method:
// 200,000 damaged sessions of a fixed seed; `fuzz-main.ts` runs more.
import { expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'

const CASES = 200_000
const SEED = 20_260
const GROWN_MAX_MB = 64
/** Half a minute on a machine that has nothing else to do. */
const LIMIT_MS = 600_000

test(
  `${CASES} damaged sessions`,
  async () => {
    const { endings, grownMb } = await fuzz(CASES, SEED)
    // Damage was found, and what was none passed.
    for (const ending of [
      'harmless: open',
      'broken: closed',
      'broken: open',
      'order: open',
      'forged: closed',
      'forged: open',
      'handshake: welcome',
      'handshake: refused',
      'oversized: closed',
      'broken: given up',
      'forged: given up',
      'harmless: kept',
    ]) {
      expect(endings.get(ending) ?? 0, ending).toBeGreaterThan(100)
    }
    expect(grownMb).toBeLessThan(GROWN_MAX_MB)
  },
  LIMIT_MS,
)
