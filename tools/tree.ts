/**
 * The checkout as the checks see it: paths and texts, with syntax trees on demand. A check is a function from
 * a tree to findings, so its own tests hand it a planted tree of three files.
 *
 * Syntax comes from TypeScript 5.9: TypeScript 7 has no JavaScript interface.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript-5.9'

/** The top of the checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** A place where a rule is broken; `text` says what is wrong and what to do instead. */
export interface Finding {
  readonly file: string
  readonly line: number
  readonly rule: string
  readonly text: string
}

/** A finding on one line, as editors and terminals make it a link. */
export function findingLine({ file, line, rule, text }: Finding): string {
  return `${file}:${line}  ${text}  [${rule}]`
}

/** One import of a file: static, type-only, re-export, or dynamic with a literal. */
export interface Import {
  readonly from: string
  readonly line: number
  /** As written, for example `../base/ring.ts`. */
  readonly specifier: string
  /** Path from the top when the specifier is relative. */
  readonly target: string | undefined
}

const sizeBytesMax = 2_000_000
const textSuffixes = new Set([
  '.ts',
  '.mjs',
  '.js',
  '.json',
  '.md',
  '.txt',
  '.yaml',
  '.yml',
  '.xml',
  '.html',
  '.css',
  '',
])

/** All files of a checkout, by path from its top, with forward slashes. */
export class Tree {
  readonly paths: readonly string[]
  private readonly texts: ReadonlyMap<string, string>
  private readonly parsed = new Map<string, ts.SourceFile>()
  private readonly importsOf = new Map<string, readonly Import[]>()

  constructor(texts: ReadonlyMap<string, string>) {
    this.texts = texts
    this.paths = [...texts.keys()].sort()
  }

  has(path: string): boolean {
    return this.texts.has(path)
  }

  hasFolder(path: string): boolean {
    return this.paths.some((file) => file.startsWith(`${path}/`))
  }

  text(path: string): string {
    const text = this.texts.get(path)
    if (text === undefined) throw new Error(`${path} is not in the tree`)
    return text
  }

  lines(path: string): string[] {
    return this.text(path).split('\n')
  }

  /** TypeScript files under any of the folders. */
  typescript(...folders: readonly string[]): string[] {
    return this.paths.filter(
      (path) => path.endsWith('.ts') && folders.some((folder) => path.startsWith(`${folder}/`)),
    )
  }

  syntax(path: string): ts.SourceFile {
    let file = this.parsed.get(path)
    if (file === undefined) {
      file = ts.createSourceFile(path, this.text(path), ts.ScriptTarget.ES2023, true)
      this.parsed.set(path, file)
    }
    return file
  }

  imports(path: string): readonly Import[] {
    let imports = this.importsOf.get(path)
    if (imports === undefined) {
      imports = readImports(path, this.syntax(path))
      this.importsOf.set(path, imports)
    }
    return imports
  }
}

/** A tree made of texts, for tests of checks. */
export function plantTree(texts: Readonly<Record<string, string>>): Tree {
  return new Tree(new Map(Object.entries(texts)))
}

/**
 * The checkout as it is: what git tracks or would track; all files where there is no git, as in an unpacked
 * archive.
 */
export function readTree(top = root): Tree {
  const texts = new Map<string, string>()
  for (const path of existsSync(join(top, '.git')) ? listTracked(top) : listAll(top)) {
    const stat = path === '' ? undefined : statSync(join(top, path), { throwIfNoEntry: false })
    if (stat?.isFile() !== true) continue
    const isText = textSuffixes.has(extname(path)) && stat.size <= sizeBytesMax
    texts.set(path, isText ? readFileSync(join(top, path), 'utf8') : '')
  }
  return new Tree(texts)
}

function listTracked(top: string): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  return execFileSync('git', args, { cwd: top, encoding: 'utf8', maxBuffer: 1 << 26 }).split('\0')
}

function listAll(top: string): string[] {
  return readdirSync(top, { withFileTypes: true })
    .filter(({ name }) => !/^(node_modules|dist|coverage|\..*)$/.test(name))
    .flatMap((entry) => {
      if (!entry.isDirectory()) return [entry.name]
      const inside = readdirSync(join(top, entry.name), { recursive: true, encoding: 'utf8' })
      return inside.map((path) => `${entry.name}/${path.replaceAll('\\', '/')}`)
    })
}

/** The line of a node, from 1. */
export function lineOf(node: ts.Node): number {
  const file = node.getSourceFile()
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
}

/** Calls `visit` for a node and all below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

/** True for tests of one room, beside the code they test. */
export function isTest(path: string): boolean {
  return path.endsWith('.test.ts')
}

/** True for files that are kept as they are: old bytes, and cases that must not compile. */
export function isFixture(path: string): boolean {
  return /^test\/(fixtures|types)\//.test(path)
}

function readImports(from: string, file: ts.SourceFile): Import[] {
  const imports: Import[] = []
  walk(file, (node) => {
    const specifier = specifierOf(node)
    if (specifier === undefined) return
    const relative = specifier.startsWith('.')
    const target = relative ? normalize(join(dirname(from), specifier)).replaceAll('\\', '/') : undefined
    imports.push({ from, line: lineOf(node), specifier, target })
  })
  return imports
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literalText(node.moduleSpecifier)
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
    return literalText(node.argument.literal)
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return literalText(node.arguments[0])
  }
  return undefined
}

function literalText(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined
}
