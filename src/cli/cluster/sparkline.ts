/** Figures of the last moments as a row of blocks: `▁▂▅▇`. */
const BLOCKS = '▁▂▃▄▅▆▇█'

/** As many blocks as values; the highest value is the highest block, nothing is the lowest. */
export function sparkline(values: readonly number[]): string {
  const top = Math.max(0, ...values.filter(Number.isFinite))
  return values
    .map((value) => {
      if (!Number.isFinite(value) || value <= 0 || top === 0) return BLOCKS[0]
      const step = Math.min(BLOCKS.length - 1, Math.floor((value / top) * BLOCKS.length))
      return BLOCKS[step]
    })
    .join('')
}
