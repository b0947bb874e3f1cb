/** Names: the words that say nothing, as files and as declarations. */
import ts from 'typescript-5.9'
import { type Finding, isTest, lineOf, type Tree, walk } from '../tree.ts'

const emptyFiles = /^(utils?|helpers?|common|shared|misc|types?)$/
const emptyWords = ['process', 'handle', 'manage', 'do', 'data', 'info', 'item', 'util', 'helper']

/**
 * Part of the public API, so not ours to choose: the level of a logger, and a handle of a topology under
 * construction.
 */
const agreed = new Set(['info', 'HandleOf', 'HandlersFor', 'ItemOf'])

/** Files, folders, functions, classes, types and methods with a name that could stand for anything. */
export function findBadNames(tree: Tree): Finding[] {
  const found: Finding[] = []
  for (const file of tree.typescript('src', 'test', 'tools', 'bench', 'examples')) {
    if (file.startsWith('test/types/')) continue
    for (const part of file.split('/')) {
      const stem = part.split('.')[0] ?? ''
      if (!emptyFiles.test(stem)) continue
      const text = `'${stem}' says nothing: name it after the thing, in the room it belongs to`
      found.push({ file, line: 1, rule: 'names/file', text })
    }
    if (file.startsWith('src/') && !isTest(file)) found.push(...findBadDeclarations(tree, file))
  }
  return found
}

function findBadDeclarations(tree: Tree, file: string): Finding[] {
  const found: Finding[] = []
  walk(tree.syntax(file), (node) => {
    const name = declaredName(node)
    if (name === undefined || agreed.has(name)) return
    const word = emptyWords.find((empty) => startsWithWord(name, empty))
    if (word === undefined) return
    const text = `'${name}': '${word}' says nothing; the table of words in STYLE.md has better ones`
    found.push({ file, line: lineOf(node), rule: 'names/word', text })
  })
  return found
}

function declaredName(node: ts.Node): string | undefined {
  const declares =
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isMethodDeclaration(node)
  return declares && node.name !== undefined && ts.isIdentifier(node.name) ? node.name.text : undefined
}

/** `handleTuple` and `Handle` start with `handle`; `handlebar` does not. */
function startsWithWord(name: string, word: string): boolean {
  if (!name.toLowerCase().startsWith(word)) return false
  const next = name[word.length]
  return next === undefined || next === next.toUpperCase()
}
