/** Lines of `--json`, read back. */
import type { Line } from './case.ts'

/** Of several lines of one case the last one counts. @throws Error at a line that is none */
export function parseLines(text: string): readonly Line[] {
  const byName = new Map<string, Line>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const value: unknown = JSON.parse(line)
    if (!isLine(value)) throw new Error(`line ${index + 1} holds no figures of a case`)
    byName.set(value.name, value)
  }
  return [...byName.values()]
}

/** What has changed since an earlier run of the same case, as ratios above 1 for the better. */
export function withRatios(line: Line, earlier: readonly Line[]): Line {
  const before = earlier.find((each) => each.name === line.name)
  if (before === undefined) return line
  const ratio = divided(line.tuplesPerSecond, before.tuplesPerSecond)
  const cpuRatio = divided(before.cpuSecondsPerMillion, line.cpuSecondsPerMillion)
  return { ...line, ratio, cpuRatio }
}

function divided(above: number | null, below: number | null): number | null {
  return above === null || below === null || below === 0 ? null : Number((above / below).toPrecision(3))
}

function isLine(value: unknown): value is Line {
  if (typeof value !== 'object' || value === null || !('name' in value)) return false
  return typeof value.name === 'string' && 'tuplesPerSecond' in value && 'rssMb' in value
}
