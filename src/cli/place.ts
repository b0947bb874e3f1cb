/** Paths, places and values as they are written: for people, and in JSON. */

/** `/project/src/a.ts:3:1` as `src/a.ts:3:1`. */
export function shortPlace(place: string, directory: string): string {
  const base = directory.endsWith('/') ? directory : `${directory}/`
  return place.startsWith(base) ? place.slice(base.length) : place
}

export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Takes `file:line:column` apart; undefined: it is not of that form. */
export function placeOf(where: string): Place | undefined {
  const [, file, line, column] = /^(.+):(\d+):(\d+)$/.exec(where) ?? []
  if (file === undefined) return undefined
  return { file, line: Number(line), column: Number(column) }
}

/** For JSON.stringify: what JSON has no word for becomes text. Positions of sources may hold any of it. */
export function plainJson(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Map) return [...value]
  if (value instanceof Set) return [...value]
  return value
}
