/**
 * Arguments of a topology, as on the command line after `--`, made into an object for its schema.
 *
 *   --input x  --input=x   { input: 'x' }          --dry-run        { dryRun: true }
 *   --no-color             { color: false }        --tag a --tag b  { tag: ['a', 'b'] }
 *
 * Numbers stay text unless they are written as JSON numbers: `--count 3` is 3, `--id 007` is '007'.
 */
import { CommandFailure } from '../failure.ts'

/** @throws CommandFailure a word that belongs to no option */
export function topologyArgs(words: readonly string[]): Readonly<Record<string, unknown>> {
  const args = new Map<string, unknown>()
  let at = 0
  while (at < words.length) {
    const word = words[at] ?? ''
    at += 1
    const [, dashed, inline] = /^--([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(word) ?? []
    if (dashed === undefined) {
      const fix = 'arguments of a topology are written --name value'
      throw new CommandFailure(`'${word}' after -- belongs to no option`, { fix })
    }
    const next = words[at]
    if (inline !== undefined) put(args, dashed, wordValue(inline))
    else if (next !== undefined && !next.startsWith('--')) {
      put(args, dashed, wordValue(next))
      at += 1
    } else if (dashed.startsWith('no-')) put(args, dashed.slice('no-'.length), false)
    else put(args, dashed, true)
  }
  return Object.fromEntries(args)
}

function put(args: Map<string, unknown>, dashed: string, value: unknown): void {
  const name = dashed.replace(/-+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  const before = args.get(name)
  if (before === undefined) args.set(name, value)
  else args.set(name, Array.isArray(before) ? [...before, value] : [before, value])
}

function wordValue(text: string): unknown {
  if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) {
    const number = Number(text)
    // A number that would lose digits is none: it is an id.
    return Number.isSafeInteger(number) || text.includes('.') ? number : text
  }
  if (text === 'true') return true
  if (text === 'false') return false
  return text
}
