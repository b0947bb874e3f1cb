/** Quantiles of a list, exact, by nearest rank: the answer is always one of the values. */

/**
 * The value that the share `q` (0 to 1) does not exceed, of values in ascending order. Undefined if there are
 * none.
 */
export function quantileOfSorted(sorted: readonly number[], q: number): number | undefined {
  const rank = Math.ceil(Math.min(1, Math.max(0, q)) * sorted.length)
  return sorted[Math.max(0, rank - 1)]
}

/** The same of values in any order, which are left as they are. */
export function quantile(values: readonly number[], q: number): number | undefined {
  return quantileOfSorted(
    values.toSorted((a, b) => a - b),
    q,
  )
}
