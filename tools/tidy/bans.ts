/**
 * What code under src/ may not use, and why the replacement is better. Looks at syntax, so comments, strings
 * and property names are free.
 */
import { builtinModules } from 'node:module'
import ts from 'typescript-5.9'
import { type Finding, isTest, lineOf, type Tree, walk } from '../tree.ts'

const hostRoom = /^src\/host\/([^/]+\/)?node-[^/]+\.ts$/

/** Global → what to use instead. */
const globals = new Map([
  ['setTimeout', 'host timers'],
  ['setInterval', 'host timers'],
  ['setImmediate', 'host timers'],
  ['clearTimeout', 'host timers'],
  ['clearInterval', 'host timers'],
  ['clearImmediate', 'host timers'],
  ['queueMicrotask', 'host timers, or a promise'],
  ['process', 'the Host: its processes, signals and environment'],
  ['performance', 'the clock of the Host'],
  ['crypto', 'the random numbers of the Host'],
  ['fetch', 'the network of the Host'],
  ['console', 'base/log.ts; the command line prints through cli/print'],
])

/** Bans of calls, modules and forms. */
export function findBans(tree: Tree): Finding[] {
  const found: Finding[] = []
  for (const file of tree.typescript('src', 'tools')) {
    const ban = (node: ts.Node, rule: string, text: string) => {
      found.push({ file, line: lineOf(node), rule: `bans/${rule}`, text })
    }
    const syntax = tree.syntax(file)
    findForms(syntax, ban)
    if (!file.startsWith('src/')) continue
    if (!hostRoom.test(file)) {
      findWorld(syntax, ban)
      found.push(...findNodeImports(tree, file))
    }
    if (isTest(file)) findSleeps(syntax, ban)
    else findPlainErrors(syntax, ban)
  }
  return [...found, ...findTooManyCasts(tree)]
}

type Ban = (node: ts.Node, rule: string, text: string) => void

function findForms(file: ts.SourceFile, ban: Ban): void {
  walk(file, (node) => {
    if (ts.isExportAssignment(node) || isDefaultExport(node)) {
      ban(node, 'default-export', 'export it by its name: one thing, one name everywhere')
    } else if (ts.isEnumDeclaration(node)) {
      ban(
        node,
        'enum',
        'write `const Step = { … } as const` or a union of strings: enums do not survive type stripping',
      )
    } else if (ts.isModuleDeclaration(node)) {
      ban(node, 'namespace', 'a file is a namespace already')
    } else if (ts.isPrivateIdentifier(node)) {
      ban(node, 'hash-private', 'write `private`, the one way here')
    }
  })
}

function isDefaultExport(node: ts.Node): boolean {
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
  )
}

/** Time, randomness, processes, the network: whatever makes two runs differ. */
function findWorld(file: ts.SourceFile, ban: Ban): void {
  const own = declaredNames(file)
  walk(file, (node) => {
    if (!ts.isIdentifier(node) || own.has(node.text) || isOnlyName(node)) return
    const instead = globals.get(node.text)
    if (instead !== undefined) ban(node, 'global', `no ${node.text} outside host/node-*.ts: use ${instead}`)
    else if (node.text === 'Date') judgeDate(node, ban)
    else if (node.text === 'Math' && memberOf(node) === 'random') {
      ban(node, 'global', 'no Math.random outside host/node-*.ts: use the random numbers of the Host')
    } else if (node.text === 'globalThis') {
      ban(node, 'global', 'no globalThis: what it offers comes through the Host')
    }
  })
}

/** A `Date` made from a number is a value like any other; the time of now is not. */
function judgeDate(node: ts.Identifier, ban: Ban): void {
  const { parent } = node
  const isPure =
    ts.isTypeReferenceNode(parent) ||
    (ts.isNewExpression(parent) && parent.expression === node && (parent.arguments?.length ?? 0) > 0) ||
    (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword) ||
    memberOf(node) === 'UTC'
  if (!isPure)
    ban(node, 'global', 'no time of now outside host/node-*.ts: use the clock of the Host, or take nowMs')
}

function memberOf(node: ts.Identifier): string | undefined {
  const { parent } = node
  return ts.isPropertyAccessExpression(parent) && parent.expression === node ? parent.name.text : undefined
}

/** True where an identifier is a name of something else: a property, a key, a label of a type's member. */
function isOnlyName(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  if (ts.isQualifiedName(parent)) return parent.right === node
  if (ts.isShorthandPropertyAssignment(parent)) return false
  if (ts.isBindingElement(parent)) return parent.propertyName === node
  const named = parent as Partial<ts.NamedDeclaration>
  return named.name === node
}

function declaredNames(file: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  walk(file, (node) => {
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isImportSpecifier(node)
    if (declares && node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text)
  })
  return names
}

function findNodeImports(tree: Tree, file: string): Finding[] {
  return tree
    .imports(file)
    .filter(({ specifier }) => specifier.startsWith('node:') || builtinModules.includes(specifier))
    .map(({ line, specifier }) => ({
      file,
      line,
      rule: 'bans/node',
      text: `no ${specifier} outside host/node-*.ts: take a Host, or add what is missing to host/host.ts`,
    }))
}

function findSleeps(file: ts.SourceFile, ban: Ban): void {
  walk(file, (node) => {
    if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) return
    if (/^(sleep|delay|pause)(Ms)?$/.test(node.expression.text)) {
      ban(node, 'sleep', 'unit tests do not wait: hand in a virtual host and move its clock')
    }
  })
}

/** Every error thrown on purpose has a code; a bug is an assertion. */
function findPlainErrors(file: ts.SourceFile, ban: Ban): void {
  walk(file, (node) => {
    if (!ts.isThrowStatement(node) || !ts.isNewExpression(node.expression)) return
    if (/^(Error|TypeError|RangeError|SyntaxError)$/.test(node.expression.expression.getText())) {
      ban(
        node,
        'plain-error',
        'throw a StreamError with a code (base/errors.ts), or assert (base/assert.ts) if it is a bug',
      )
    }
  })
}

/** Casts are counted over the whole house: some are honest, a heap of them is not. */
const castsPerThousandLinesMax = { as: 5, bang: 1 }

function findTooManyCasts(tree: Tree): Finding[] {
  let lineCount = 0
  const casts = { as: new Map<string, number>(), bang: new Map<string, number>() }
  const count = (of: Map<string, number>, file: string) => of.set(file, (of.get(file) ?? 0) + 1)
  for (const file of tree.typescript('src').filter((path) => !isTest(path))) {
    lineCount += tree.lines(file).length
    walk(tree.syntax(file), (node) => {
      if (ts.isAsExpression(node) && node.type.getText() !== 'const') count(casts.as, file)
      else if (ts.isNonNullExpression(node)) count(casts.bang, file)
    })
  }
  const advice = {
    as: 'let a type guard or a better type say it',
    bang: 'use assertDefined, or a type that knows',
  }
  return (['as', 'bang'] as const).flatMap((kind) => {
    const total = [...casts[kind].values()].reduce((sum, each) => sum + each, 0)
    const totalMax = Math.max(
      castsPerThousandLinesMax[kind],
      (lineCount / 1000) * castsPerThousandLinesMax[kind],
    )
    if (total <= totalMax) return []
    const worst = [...casts[kind]].sort(([, a], [, b]) => b - a).slice(0, 5)
    const list = worst.map(([file, each]) => `${file} ${each}`).join(', ')
    const form = kind === 'as' ? '`as`' : '`!`'
    const ratio = `${total} ${form} in ${lineCount} lines, at most ${Math.floor(totalMax)}`
    const text = `${ratio}: ${advice[kind]}; most in ${list}`
    return [{ file: worst[0]?.[0] ?? 'src', line: 1, rule: `bans/${kind}`, text }]
  })
}
