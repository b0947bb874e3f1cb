/** docs/reference/errors.md: every error code. Made of src/base/error-codes.ts. */
import { type ErrorCodeFacts, errorCodes } from '../../src/base/error-codes.ts'
import { code, pageHead, table } from './markdown.ts'

const ranges = [
  ['E1', 'Topology'],
  ['E2', 'Configuration'],
  ['E3', 'Component'],
  ['E4', 'Cluster'],
  ['E5', 'State'],
  ['E6', 'Connectors'],
  ['E7', 'Between workers'],
] as const

const intro = `
Every error thrown on purpose is a \`StreamError\` with a \`code\` that never changes. Tell errors apart by
it, with \`hasCode(error, code)\`: messages change, and classes do not travel between processes. The number
is its short form: \`typhoon explain E1004\`.

The family says who must act.

${table(
  ['Family', 'Class', 'Who acts, and how'],
  [
    ['usage', '`UsageError`', 'The caller: fix the call, the topology or the configuration.'],
    ['unavailable', '`UnavailableError`', 'Nobody yet: try again later. Only these are `retryable`.'],
    ['conflict', '`ConflictError`', 'The caller: someone else won. Read again, then decide.'],
    ['format', '`FormatError`', 'Bytes or versions do not fit. Never try again.'],
    ['user-code', '`UserCodeError`', 'The author of the component that threw; `cause` is what it threw.'],
  ],
)}
`

export function errorPage(): string {
  const parts = [pageHead('Error codes', 'src/base/error-codes.ts'), intro]
  for (const [prefix, title] of ranges) {
    const rows = errorCodes.filter((facts) => facts.number.startsWith(prefix)).map(row)
    if (rows.length > 0) {
      parts.push(
        `\n## ${prefix}: ${title}\n\n${table(['', 'Code', 'Family', 'Meaning', 'What to do'], rows)}\n`,
      )
    }
  }
  return parts.join('')
}

function row(facts: ErrorCodeFacts): readonly string[] {
  const { number, family, meaning, action } = facts
  return [`<a id="${number.toLowerCase()}"></a>${number}`, code(facts.code), family, meaning, action]
}
