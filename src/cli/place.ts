/** Paths and places as people read them: relative to the working directory where they are below it. */

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
