/**
 * Source text with everything blanked that is no code: comments, texts, patterns. Length and lines stay, so a
 * place in the result is a place in the source.
 *
 * Not a parser: good enough to find calls by name, which is all it is for.
 */

/** After these a slash begins a pattern; after all else it divides. */
const BEFORE_PATTERN = /(?:^|[=(,:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|void|delete|do|else))\s*$/

export function blanked(source: string): string {
  return new Blanker(source).run()
}

class Blanker {
  private readonly source: string
  private at = 0
  private out = ''
  /** Depth of braces at which each open `${` ends. */
  private readonly templates: number[] = []
  private braces = 0

  constructor(source: string) {
    this.source = source
  }

  run(): string {
    while (this.at < this.source.length) this.step()
    return this.out
  }

  private step(): void {
    const { source, at } = this
    const two = source.slice(at, at + 2)
    if (two === '//') this.blankTo(this.indexOf('\n', at))
    else if (two === '/*') this.blankTo(this.indexOf('*/', at + 2) + 2)
    else if (source[at] === "'" || source[at] === '"') this.blankTo(this.endOfText(source[at] ?? ''))
    else if (source[at] === '`') this.template(at + 1)
    else if (source[at] === '/' && BEFORE_PATTERN.test(this.out.slice(-40))) this.blankTo(this.endOfPattern())
    else this.code(source[at] ?? '')
  }

  private code(character: string): void {
    if (character === '{') this.braces += 1
    if (character === '}') {
      if (this.templates.at(-1) === this.braces) {
        this.templates.pop()
        this.template(this.at + 1)
        return
      }
      this.braces -= 1
    }
    this.out += character
    this.at += 1
  }

  /** The text of a template from `from` to its end, or to the next `${`. */
  private template(from: number): void {
    let end = from
    while (end < this.source.length && this.source[end] !== '`') {
      if (this.source.startsWith('${', end)) {
        this.blankTo(end + 2)
        this.templates.push(this.braces)
        return
      }
      end += this.source[end] === '\\' ? 2 : 1
    }
    this.blankTo(end + 1)
  }

  private endOfText(quote: string): number {
    let end = this.at + 1
    while (end < this.source.length && this.source[end] !== quote && this.source[end] !== '\n') {
      end += this.source[end] === '\\' ? 2 : 1
    }
    return end + 1
  }

  private endOfPattern(): number {
    let end = this.at + 1
    let isInClass = false
    while (end < this.source.length && this.source[end] !== '\n') {
      const character = this.source[end]
      if (character === '/' && !isInClass) return end + 1
      if (character === '[') isInClass = true
      if (character === ']') isInClass = false
      end += character === '\\' ? 2 : 1
    }
    // No pattern after all.
    return this.at + 1
  }

  private indexOf(text: string, from: number): number {
    const found = this.source.indexOf(text, from)
    return found === -1 ? this.source.length : found
  }

  private blankTo(end: number): void {
    this.out += this.source.slice(this.at, end).replace(/[^\n]/g, ' ')
    this.at = Math.max(end, this.at + 1)
  }
}
