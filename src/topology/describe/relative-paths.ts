/**
 * Files that components name by relative paths. In one process such a path is one of where it was started; on
 * a node it is one of the directory of the worker. Pure.
 */
import type { ComponentDefinition } from '../definition.ts'
import type { Topology } from '../topology.ts'

export interface RelativePath {
  readonly component: string
  readonly path: string
}

/** Told of a topology at most: more say nothing new. */
export const RELATIVE_PATHS_MAX = 20

/** Of components that say which files they use: those of `typhoon/files`. */
export function relativePathsOf({ components }: Topology): readonly RelativePath[] {
  const found = [...components.values()].flatMap(({ id, definition }) =>
    pathsOf(definition)
      .filter((path) => !isAbsolute(path))
      .map((path) => ({ component: id, path })),
  )
  return found.slice(0, RELATIVE_PATHS_MAX)
}

function pathsOf({ spec }: ComponentDefinition): readonly string[] {
  return 'paths' in spec ? (spec.paths ?? []) : []
}

function isAbsolute(path: string): boolean {
  return /^(?:\/|\\\\|[A-Za-z]:[\\/])/.test(path)
}
