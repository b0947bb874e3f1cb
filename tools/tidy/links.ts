/**
 * Links: what a page points at exists. Decision records and the changelog tell of the past and may name what
 * is gone.
 */
import { posix } from 'node:path'
import type { Finding, Tree } from '../tree.ts'

const past = /^(docs\/decisions\/|CHANGELOG\.md$)/
const namesPath = /^(src|test|tools|bench|examples|docs|bin)\/[\w./-]+$/

/** Dead links, dead anchors, and back-quoted paths of files that do not exist. */
export function findDeadLinks(tree: Tree): Finding[] {
  const found: Finding[] = []
  for (const file of tree.paths.filter((path) => path.endsWith('.md'))) {
    for (const { text, line } of proseLines(tree, file)) {
      const rule = 'links/dead'
      for (const target of linkTargets(text)) {
        const trouble = judgeLink(tree, file, target)
        if (trouble !== undefined) found.push({ file, line, rule, text: trouble })
      }
      if (past.test(file)) continue
      for (const [, path = ''] of text.matchAll(/`([^`]+)`/g)) {
        const bare = path.replace(/\/$/, '')
        if (!namesPath.test(bare) || tree.has(bare) || tree.hasFolder(bare)) continue
        found.push({
          file,
          line,
          rule: 'links/path',
          text: `\`${path}\` does not exist: write its name of today`,
        })
      }
    }
  }
  return found
}

function linkTargets(text: string): string[] {
  const outsideCode = text.replace(/`[^`]*`/g, '')
  return [...outsideCode.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)].map(
    ([, target = '']) => target,
  )
}

function judgeLink(tree: Tree, from: string, target: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined
  const [path = '', anchor] = target.split('#')
  const file =
    path === '' ? from : posix.normalize(posix.join(posix.dirname(from), decodeURI(path))).replace(/\/$/, '')
  if (!tree.has(file) && !tree.hasFolder(file)) return `${target} points at nothing`
  if (anchor === undefined || anchor === '' || !file.endsWith('.md')) return undefined
  return anchorsOf(tree, file).has(anchor) ? undefined : `${target}: ${file} has no such heading`
}

function anchorsOf(tree: Tree, file: string): Set<string> {
  const anchors = new Set<string>()
  for (const { text } of proseLines(tree, file)) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1]
    for (const [, id = ''] of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id)
    if (heading === undefined) continue
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
    let unique = slug
    for (let copy = 1; anchors.has(unique); copy += 1) unique = `${slug}-${copy}`
    anchors.add(unique)
  }
  return anchors
}

/** The lines outside fenced code. */
function proseLines(tree: Tree, file: string): Array<{ text: string; line: number }> {
  const prose: Array<{ text: string; line: number }> = []
  let fence: string | undefined
  for (const [index, text] of tree.lines(file).entries()) {
    const mark = /^\s*(```+|~~~+)/.exec(text)?.[1]
    if (mark !== undefined && (fence === undefined || mark.startsWith(fence)))
      fence = fence === undefined ? mark : undefined
    else if (fence === undefined) prose.push({ text, line: index + 1 })
  }
  return prose
}
