/**
 * Looks for calls in components that make two runs differ: the wall clock, chance, timers of one's own.
 * Tests in virtual time cannot move those.
 */
import { blanked } from './source-text.ts'

export interface ScanFinding {
  readonly code: 'wall-clock' | 'own-chance' | 'own-timer'
  readonly message: string
  readonly line: number
  readonly column: number
}

const MAKERS = new RegExp(
  '\\b(?:bolt|richBolt|keyedBolt|spout|spoutFrom|replayableSpout|plainSink|idempotentSink|' +
    'transactionalSink)\\s*(?:<[^()]*>)?\\s*\\(',
  'g',
)
const CLASSES = /\bclass\b[^{;]*\bextends\s+Base(?:Basic|Rich)(?:Bolt|Spout)\b[^{;]*\{/g

interface Rule {
  readonly code: ScanFinding['code']
  readonly call: RegExp
}

const rules: readonly Rule[] = [
  {
    code: 'wall-clock',
    call: /(?<![\w.$])(?:Date\.now\s*\(|new\s+Date\s*\(\s*\)|performance\.now\s*\()/g,
  },
  {
    code: 'own-chance',
    call: /(?<![\w.$])(?:Math\.random\s*\(|crypto\.randomUUID\s*\()/g,
  },
  {
    code: 'own-timer',
    call: /(?<![\w.$])(?:setTimeout|setInterval|setImmediate)\s*\(/g,
  },
]

/** Findings in the order of the file. */
export function scanSource(source: string): readonly ScanFinding[] {
  const code = blanked(source)
  const spans = componentSpans(code)
  const findings: ScanFinding[] = []
  for (const rule of rules) {
    for (const found of code.matchAll(rule.call)) {
      if (!spans.some(({ from, to }) => found.index > from && found.index < to)) continue
      const call = found[0].replace(/\s+/g, ' ').replace(/ ?\($/, '()').replace('( )', '()')
      const message = `${call} in a component: two runs differ, and tests cannot move it`
      findings.push({ code: rule.code, message, ...lineAndColumn(code, found.index) })
    }
  }
  return findings.sort((a, b) => a.line - b.line || a.column - b.column)
}

interface Span {
  readonly from: number
  readonly to: number
}

function componentSpans(code: string): readonly Span[] {
  const spans: Span[] = []
  for (const pattern of [MAKERS, CLASSES]) {
    for (const found of code.matchAll(pattern)) {
      const from = found.index + found[0].length - 1
      spans.push({ from, to: closing(code, from) })
    }
  }
  return spans
}

const OPEN = '([{'
const CLOSE = ')]}'

/** Where the bracket at `from` is closed. */
function closing(code: string, from: number): number {
  let depth = 0
  for (let at = from; at < code.length; at++) {
    const character = code[at] ?? ''
    if (OPEN.includes(character)) depth += 1
    else if (CLOSE.includes(character)) {
      depth -= 1
      if (depth === 0) return at
    }
  }
  return code.length
}

function lineAndColumn(code: string, index: number): { readonly line: number; readonly column: number } {
  const before = code.slice(0, index).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}
