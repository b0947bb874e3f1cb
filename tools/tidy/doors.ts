/** Doors: every name that a user can import says what it is. */
import { posix } from 'node:path'
import ts from 'typescript-5.9'
import { doors } from '../layers.ts'
import { type Finding, lineOf, type Tree } from '../tree.ts'

/** Names exported at a door whose declaration has no doc comment. */
export function findUndocumentedDoors(tree: Tree): Finding[] {
  const found = new Map<string, Finding>()
  for (const door of doors.filter((path) => tree.has(path))) {
    for (const { file, name } of exportsOf(tree, door, new Set())) {
      const declarations = declarationsOf(tree, file, name)
      if (declarations.length > 0 && declarations.some(hasDoc)) continue
      const line = declarations[0] === undefined ? 1 : lineOf(declarations[0])
      const text = `${name} can be imported from ${door}: write what it promises above its declaration`
      found.set(`${file} ${name}`, { file, line, rule: 'doors/doc', text })
    }
  }
  return [...found.values()]
}

interface Exported {
  readonly file: string
  readonly name: string
}

/** What a file exports, followed to where it is declared. */
function exportsOf(tree: Tree, file: string, seen: Set<string>): Exported[] {
  if (!tree.has(file) || seen.has(file)) return []
  seen.add(file)
  const all: Exported[] = []
  for (const statement of tree.syntax(file).statements) {
    if (!ts.isExportDeclaration(statement)) {
      all.push(...exportedNames(statement).map((name) => ({ file, name })))
      continue
    }
    const target = targetOf(file, statement.moduleSpecifier)
    const clause = statement.exportClause
    if (clause === undefined) all.push(...(target === undefined ? [] : exportsOf(tree, target, seen)))
    else if (ts.isNamedExports(clause)) {
      for (const { propertyName, name } of clause.elements) {
        all.push(resolveName(tree, target ?? file, (propertyName ?? name).text))
      }
    }
  }
  return all
}

/** Follows re-exports and imports of one name to the file that declares it. */
function resolveName(tree: Tree, file: string, name: string, depth = 0): Exported {
  const here = { file, name }
  if (depth > 8 || !tree.has(file) || declarationsOf(tree, file, name).length > 0) return here
  for (const statement of tree.syntax(file).statements) {
    const passes = ts.isExportDeclaration(statement) || ts.isImportDeclaration(statement)
    const target = passes ? targetOf(file, statement.moduleSpecifier) : undefined
    if (!passes || target === undefined) continue
    const original = originalName(statement, name)
    if (original === undefined) continue
    const there = resolveName(tree, target, original, depth + 1)
    if (declarationsOf(tree, there.file, there.name).length > 0) return there
  }
  return here
}

/** The name that `name` has in the file a statement imports or re-exports from. */
function originalName(
  statement: ts.ExportDeclaration | ts.ImportDeclaration,
  name: string,
): string | undefined {
  const clause = ts.isExportDeclaration(statement)
    ? statement.exportClause
    : statement.importClause?.namedBindings
  if (clause === undefined) return ts.isExportDeclaration(statement) ? name : undefined
  if (!ts.isNamedExports(clause) && !ts.isNamedImports(clause)) return undefined
  for (const element of clause.elements) {
    if (element.name.text === name) return (element.propertyName ?? element.name).text
  }
  return undefined
}

function targetOf(file: string, specifier: ts.Expression | undefined): string | undefined {
  if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith('.'))
    return undefined
  return posix.normalize(posix.join(posix.dirname(file), specifier.text))
}

function exportedNames(statement: ts.Statement): string[] {
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : []
  if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return []
  return namesOf(statement)
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText())
  const name = (statement as Partial<ts.DeclarationStatement>).name
  return name === undefined ? [] : [name.getText()]
}

function declarationsOf(tree: Tree, file: string, name: string): ts.Statement[] {
  if (!tree.has(file)) return []
  return tree.syntax(file).statements.filter((statement) => {
    return (
      !ts.isImportDeclaration(statement) &&
      !ts.isExportDeclaration(statement) &&
      namesOf(statement).includes(name)
    )
  })
}

function hasDoc(node: ts.Node): boolean {
  return ts.getJSDocCommentsAndTags(node).length > 0
}
