/** What a topology may be called. One rule, for the module, for `--name`, and for whoever asks Nimbus. */

const NAME = /^(?![-.]|__)(?!.*\.\.)[A-Za-z0-9._-]+$/
const NAME_CHARACTERS_MAX = 128
/** Of a name that cannot be used, shown. */
const SHOWN_MAX = 60

export const TOPOLOGY_NAME_RULE =
  `a name is 1 to ${NAME_CHARACTERS_MAX} letters (a to z), digits, minus, dot and underscores, ` +
  'begins with a letter, a digit or one underscore, and has no two dots in a row'

/**
 * Why a topology cannot be called so; undefined: it can. Names stand in paths, in commands (where a minus
 * first would be an option) and in labels of metrics.
 */
export function topologyNameTrouble(name: string): string | undefined {
  if (name.length <= NAME_CHARACTERS_MAX && NAME.test(name)) return undefined
  // Escaped: what is no letter may be anything, also what a terminal obeys.
  const shown = JSON.stringify(name.slice(0, SHOWN_MAX)).slice(1, -1)
  const more = name.length > SHOWN_MAX ? '…' : ''
  return `the topology's name '${shown}${more}' cannot be used: ${TOPOLOGY_NAME_RULE}`
}
