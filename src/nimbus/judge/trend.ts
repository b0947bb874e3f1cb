/**
 * Does a series of figures really rise, or only look like it? Pure numbers, no units.
 *
 * Heap figures are a saw: they climb, and fall at a collection. So the floor is looked at, the least of each
 * of a few pieces of the series, and a line is laid through it by Theil and Sen: the median of the slopes of
 * all pairs, which a third of outliers cannot bend. A rise must then be one in both halves as well: a step,
 * after which all is level again, is one in neither, and a saw with teeth longer than a piece falls in one of
 * them.
 */

export interface Sample {
  readonly at: number
  readonly value: number
}

/** Below this many a line says nothing: a minute of samples (risk-history.ts). */
export const SAMPLES_MIN = 12
/** Pieces of the series: two halves of five points each are the fewest that still show a direction. */
const PIECES = 10
/** Part of the whole slope that each half must have: half steepness leaves room for noise. */
const HALF_SHARE = 0.4
/** Part of the whole rise by which the floor may fall in between: more is a collection. */
const FALL_SHARE = 0.5
/** Part of all pairs that must rise. A level series with noise has half, a line with little noise all. */
const RISING_SHARE = 0.75

/** Rise of the floor in value per millisecond, and where it stands now; undefined: no lasting rise. */
export function risingFloor(samples: readonly Sample[]): { slope: number; floor: number } | undefined {
  if (samples.length < SAMPLES_MIN) return undefined
  const floor = floorOf(samples)
  const { slope, risingShare } = theilSen(floor)
  const last = floor.at(-1)
  const now = samples.at(-1)
  if (last === undefined || now === undefined || slope <= 0 || risingShare < RISING_SHARE) return undefined
  const middle = Math.floor(floor.length / 2)
  const halves = [floor.slice(0, middle), floor.slice(middle)]
  if (halves.some((half) => theilSen(half).slope < slope * HALF_SHARE)) return undefined
  if (largestFall(floor) > slope * (now.at - (floor[0]?.at ?? 0)) * FALL_SHARE) return undefined
  // The last piece has its least at its beginning, if there is a rise: from there to now it went on.
  return { slope, floor: last.value + slope * (now.at - last.at) }
}

/** From any point down to any later one. */
function largestFall(floor: readonly Sample[]): number {
  let most = Number.NEGATIVE_INFINITY
  let fall = 0
  for (const { value } of floor) {
    most = Math.max(most, value)
    fall = Math.max(fall, most - value)
  }
  return fall
}

/** Median slope of all pairs, and the share of pairs that rise. */
export function theilSen(samples: readonly Sample[]): { slope: number; risingShare: number } {
  const slopes: number[] = []
  let risingCount = 0
  for (const [index, one] of samples.entries()) {
    for (const other of samples.slice(index + 1)) {
      if (other.at === one.at) continue
      const slope = (other.value - one.value) / (other.at - one.at)
      slopes.push(slope)
      if (slope > 0) risingCount += 1
    }
  }
  if (slopes.length === 0) return { slope: 0, risingShare: 0 }
  return { slope: median(slopes), risingShare: risingCount / slopes.length }
}

/** The middle value; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}

/** The least of each piece, where it is. */
function floorOf(samples: readonly Sample[]): readonly Sample[] {
  const floor: Sample[] = []
  for (let piece = 0; piece < PIECES; piece += 1) {
    const from = Math.floor((piece * samples.length) / PIECES)
    const to = Math.floor(((piece + 1) * samples.length) / PIECES)
    const part = samples.slice(from, to)
    const [first] = part
    if (first !== undefined)
      floor.push(part.reduce((least, each) => (each.value < least.value ? each : least), first))
  }
  return floor
}
