/** Numbers as people read them: short in tables, never longer than six characters before the unit. */

const KIB = 1_024

const STEPS = [
  { from: 1e9, unit: ' G' },
  { from: 1e6, unit: ' M' },
  { from: 1e4, unit: ' k', size: 1e3 },
] as const

/** `17,231`. */
export function countText(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** A count or rate in a table: `9,870`, `12.4 k`, `1.2 M`; `–` for nothing. */
export function shortCount(count: number | undefined): string {
  if (count === undefined || !Number.isFinite(count)) return '–'
  for (const step of STEPS) {
    if (count >= step.from)
      return `${threeDigits(count / ('size' in step ? step.size : step.from))}${step.unit}`
  }
  return count >= 100 || Number.isInteger(count) ? countText(count) : threeDigits(count)
}

function threeDigits(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return String(Number(value.toFixed(digits)))
}

/** A time in a table: `0.4 ms`, `38 ms`, `1.2 s`, `2 min`, `3.5 h`; `–` for none. */
export function shortTime(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return '–'
  if (ms < 0.01) return '0 ms'
  if (ms < 999.5) return `${threeDigits(ms)} ms`
  if (ms < 99_950) return `${threeDigits(ms / 1_000)} s`
  if (ms < 5_970_000) return `${Math.round(ms / 60_000)} min`
  return `${threeDigits(ms / 3_600_000)} h`
}

/** `62%`; `–` for nothing. */
export function percent(share: number | undefined): string {
  return share === undefined || !Number.isFinite(share) ? '–' : `${Math.round(share * 100)}%`
}

/** `1,294 KiB`: of what is sent or stored. */
export function kibText(bytes: number): string {
  return `${countText(Math.ceil(bytes / KIB))} KiB`
}

/** `1 error`, `2 errors`. */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : several}`
}

/** `4 components, 8 tasks (+ 1 acker), at-least-once`. */
export function sizeText(size: {
  readonly components: number
  readonly tasks: number
  readonly ackers: number
  readonly guarantee: string
}): string {
  const ackers = size.ackers === 0 ? '' : ` (+ ${counted(size.ackers, 'acker')})`
  const tasks = `${counted(size.tasks, 'task')}${ackers}`
  return `${counted(size.components, 'component')}, ${tasks}, ${size.guarantee}`
}
