/** A page of the guide as what it tells to do: the files that it shows, and the commands of its sections. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const guide = fileURLToPath(new URL('../../docs/guide/', import.meta.url))

interface Block {
  readonly language: string
  readonly text: string
  /** The heading above it. */
  readonly section: string
}

export class GuidePage {
  /** What its first line names, by that name. */
  readonly files: ReadonlyMap<string, string>
  private readonly blocks: readonly Block[]

  constructor(name: string) {
    this.blocks = blocksOf(readFileSync(`${guide}${name}`, 'utf8'))
    const named = this.blocks.flatMap(({ text }): readonly (readonly [string, string])[] => {
      const file = /^(?:#|\/\/) (\S+\.\w+)\n/.exec(text)?.[1]
      return file === undefined ? [] : [[file, text]]
    })
    this.files = new Map(named)
  }

  /** Every block of commands below a heading that begins so. @throws Error there is none */
  commands(section: string): readonly string[] {
    const found = this.blocks.filter((block) => block.language === 'sh' && block.section.startsWith(section))
    if (found.length === 0) throw new Error(`the page has no commands below "${section}"`)
    return found.map(({ text }) => text)
  }
}

function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = []
  let section = ''
  for (const [, heading, language, text] of page.matchAll(/^#+ ([^\n]+)$|^```(\w+)\n(.*?)^```$/gms)) {
    if (heading !== undefined) section = heading
    else blocks.push({ language: language ?? '', text: text ?? '', section })
  }
  return blocks
}
