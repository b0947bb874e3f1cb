/** Sizes: what outgrows them is split by decision, not by scissors. */
import ts from 'typescript-5.9'
import { type Finding, isFixture, isTest, lineOf, type Tree, walk } from '../tree.ts'

/** Longer lines are not read to their end. */
export const lineCharactersMax = 110

const max = {
  sourceLines: 500,
  testLines: 800,
  functionLines: 70,
  parameters: 5,
  nesting: 4,
  methods: 15,
  folderFiles: 20,
} as const

const folders = ['src', 'test', 'tools', 'bench', 'examples'] as const

/** Files, functions, parameter lists, nesting, classes, folders and lines above their limit. */
export function findSizes(tree: Tree): Finding[] {
  const found: Finding[] = []
  const filesOf = new Map<string, string[]>()
  for (const file of tree.typescript(...folders)) {
    if (isFixture(file)) continue
    found.push(...findLongText(tree, file))
    found.push(...findLargeCode(tree, file))
    if (!isTest(file)) {
      const folder = file.slice(0, file.lastIndexOf('/'))
      filesOf.set(folder, [...(filesOf.get(folder) ?? []), file])
    }
  }
  for (const [folder, files] of filesOf) {
    if (files.length <= max.folderFiles || !folder.startsWith('src/')) continue
    const text = `${files.length} files, at most ${max.folderFiles}: make rooms within the room`
    found.push({ file: `${folder}/README.md`, line: 1, rule: 'sizes/folder', text })
  }
  return found
}

function findLongText(tree: Tree, file: string): Finding[] {
  const found: Finding[] = []
  const lines = tree.lines(file)
  const lineCount = lines.at(-1) === '' ? lines.length - 1 : lines.length
  const lineCountMax = isTest(file) ? max.testLines : max.sourceLines
  if (lineCount > lineCountMax) {
    const size = `${lineCount} lines, at most ${lineCountMax}`
    const text = `${size}: cut it by decision, each half with a name of its own`
    found.push({ file, line: lineCountMax + 1, rule: 'sizes/file', text })
  }
  for (const [index, line] of lines.entries()) {
    if (line.length <= lineCharactersMax) continue
    const text = `${line.length} characters, at most ${lineCharactersMax}`
    found.push({ file, line: index + 1, rule: 'sizes/line', text })
  }
  return found
}

function findLargeCode(tree: Tree, file: string): Finding[] {
  const found: Finding[] = []
  walk(tree.syntax(file), (node) => {
    if (ts.isClassLike(node)) found.push(...judgeClass(file, node))
    else if (ts.isFunctionLike(node)) found.push(...judgeFunction(file, node))
  })
  return found
}

/** Methods only: fields make a record, and the data path is built of wide records. */
function judgeClass(file: string, node: ts.ClassLikeDeclaration): Finding[] {
  const names = new Set<string>()
  for (const member of node.members) {
    const isMethod = ts.isMethodDeclaration(member) || ts.isAccessor(member)
    const flags = ts.getCombinedModifierFlags(member)
    const isPublic = (flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) === 0
    if (isMethod && isPublic) names.add(member.name.getText())
  }
  if (names.size <= max.methods) return []
  const text = `${names.size} public methods, at most ${max.methods}: two things live in this class`
  return [{ file, line: lineOf(node), rule: 'sizes/class', text }]
}

function judgeFunction(file: string, node: ts.SignatureDeclaration): Finding[] {
  const found: Finding[] = []
  const line = lineOf(node)
  const say = (rule: string, text: string) => found.push({ file, line, rule, text })
  const parameterCount = node.parameters.filter((parameter) => parameter.name.getText() !== 'this').length
  if (parameterCount > max.parameters) {
    say('sizes/parameters', `${parameterCount} parameters, at most ${max.parameters}: hand over an object`)
  }
  const body = 'body' in node ? node.body : undefined
  if (body === undefined) return found
  // The callback of a describe or a test is a chapter, not a function.
  if (!isTest(file)) {
    const lineCount = lineAtEnd(node) - line + 1
    if (lineCount > max.functionLines) {
      say('sizes/function', `${lineCount} lines, at most ${max.functionLines}: cut out a step and name it`)
    }
  }
  const depth = nestingOf(body)
  if (depth > max.nesting) {
    say(
      'sizes/nesting',
      `${depth} levels deep, at most ${max.nesting}: return early, or make the inside a function`,
    )
  }
  return found
}

function lineAtEnd(node: ts.Node): number {
  return node.getSourceFile().getLineAndCharacterOfPosition(node.getEnd()).line + 1
}

/** How many statements that branch or loop stand inside each other; functions inside count for themselves. */
function nestingOf(node: ts.Node): number {
  let deepest = 0
  ts.forEachChild(node, (child) => {
    if (ts.isFunctionLike(child) || ts.isClassLike(child)) return
    deepest = Math.max(deepest, nestingOf(child))
  })
  return deepest + (isNest(node) ? 1 : 0)
}

function isNest(node: ts.Node): boolean {
  // `else if` is a level with its `if`, not a deeper one.
  if (ts.isIfStatement(node)) return !(ts.isIfStatement(node.parent) && node.parent.elseStatement === node)
  return ts.isIterationStatement(node, false) || ts.isSwitchStatement(node) || ts.isTryStatement(node)
}
