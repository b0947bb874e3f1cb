/** Error codes: what is thrown is in the table, and what is said to be in use is thrown. */
import ts from 'typescript-5.9'
import { type Finding, isTest, lineOf, type Tree, walk } from '../tree.ts'

const codeForm = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/
const tableFiles = /^src\/base\/error-(codes|table-[\w-]+)\.ts$/

/**
 * The codes that something throws today, one a line; `npm run fix` adds new ones, a lost one is a finding.
 */
export const codesInUseFile = 'tools/codes-in-use.txt'

/** Thrown codes outside the table; codes in use that nothing throws any more. */
export function findErrorCodeTrouble(tree: Tree): Finding[] {
  const table = codesInTable(tree)
  if (table.size === 0) return []
  const found: Finding[] = []
  const thrown = thrownCodes(tree)
  for (const [code, { file, line }] of thrown) {
    if (table.has(code)) continue
    found.push({
      file,
      line,
      rule: 'errors/unknown',
      text: `${code} is not in the table of src/base/error-codes.ts`,
    })
  }
  for (const [index, code] of codesInUse(tree).entries()) {
    if (thrown.has(code)) continue
    const text = `${code} is no longer thrown: if that is meant, delete this line`
    found.push({ file: codesInUseFile, line: index + 1, rule: 'errors/lost', text })
  }
  return found
}

/** What the file of codes in use should hold: the codes of before and those thrown now. */
export function renderCodesInUse(tree: Tree): string {
  const table = codesInTable(tree)
  const now = [...thrownCodes(tree).keys()].filter((code) => table.has(code))
  return [...new Set([...codesInUse(tree), ...now])]
    .sort()
    .map((code) => `${code}\n`)
    .join('')
}

function codesInUse(tree: Tree): string[] {
  return tree.has(codesInUseFile) ? tree.lines(codesInUseFile).filter((line) => line !== '') : []
}

function codesInTable(tree: Tree): Set<string> {
  const codes = new Set<string>()
  for (const file of tree.typescript('src/base').filter((path) => tableFiles.test(path))) {
    walk(tree.syntax(file), (node) => {
      const isName =
        ts.isPropertyAssignment(node) && (ts.isIdentifier(node.name) || ts.isStringLiteral(node.name))
      if (isName && codeForm.test(node.name.text)) codes.add(node.name.text)
      else if (ts.isStringLiteral(node) && codeForm.test(node.text)) codes.add(node.text)
    })
  }
  return codes
}

/**
 * Codes in `new SomeError('CODE', …)`, and code literals elsewhere in sources that a thrower may be handed.
 */
function thrownCodes(tree: Tree): Map<string, { file: string; line: number }> {
  const table = codesInTable(tree)
  const thrown = new Map<string, { file: string; line: number }>()
  for (const file of tree.typescript('src')) {
    if (isTest(file) || tableFiles.test(file)) continue
    walk(tree.syntax(file), (node) => {
      if (!ts.isStringLiteralLike(node) || !codeForm.test(node.text) || thrown.has(node.text)) return
      if (isFirstOfError(node) || table.has(node.text)) thrown.set(node.text, { file, line: lineOf(node) })
    })
  }
  return thrown
}

function isFirstOfError(node: ts.Node): boolean {
  const { parent } = node
  return (
    ts.isNewExpression(parent) && parent.arguments?.[0] === node && /Error$/.test(parent.expression.getText())
  )
}
