/** Runs the two compilers on our declarations as a user gets them: emitted once, then named by `paths`. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('../../', import.meta.url))

/** The oldest and the newest that a user may have. */
export const compilers = ['typescript', 'typescript-5.9'] as const
export type Compiler = (typeof compilers)[number]

/** Doors of the package, as in package.json, with their entry file. */
const doors: Readonly<Record<string, string>> = {
  typhoon: 'index',
  'typhoon/files': 'connect/files/index',
  'typhoon/testing': 'testing/index',
  'typhoon/config': 'config/index',
  'typhoon/client': 'rpc/client/index',
}

export interface Diagnostic {
  readonly file: string
  readonly line: number
  readonly code: string
  text: string
}

/** True if every door that a source imports is there. */
export function doorsAreThere(source: string): boolean {
  const named = [...source.matchAll(/from '(typhoon(?:\/[a-z]+)?)'/g)].map((found) => found[1] ?? '')
  return named.every((door) => doors[door] !== undefined && existsSync(join(root, 'src', `${doors[door]}.ts`)))
}

/** Declarations in a folder of their own, until `dispose`. */
export interface Declarations extends Disposable {
  readonly folder: string
}

export function emitDeclarations(): Declarations {
  const folder = mkdtempSync(join(tmpdir(), 'typhoon-types-'))
  const out = join(folder, 'dist')
  const emit = ['--declaration', '--emitDeclarationOnly', '--sourceMap', 'false', '--inlineSources', 'false']
  // Errors of sources are the business of the check command; what was emitted is what a user would get.
  run('typescript', ['-p', join(root, 'tsconfig.build.json'), ...emit, '--outDir', out])
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

/** Checks files against the declarations, strictly. */
export function check(compiler: Compiler, { folder }: Declarations, files: readonly string[]): Diagnostic[] {
  const paths = Object.entries(doors).map(([door, file]) => [door, [join(folder, 'dist', `${file}.d.ts`)]])
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    module: 'nodenext',
    moduleResolution: 'nodenext',
    allowImportingTsExtensions: true,
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable', 'esnext.iterator'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    noEmit: true,
    skipLibCheck: false,
    paths: Object.fromEntries(paths),
  }
  const config = join(folder, `${compiler}-${files.length}.json`)
  writeFileSync(config, JSON.stringify({ compilerOptions, files }))
  return diagnosticsIn(run(compiler, ['-p', config, '--pretty', 'false']))
}

function run(compiler: Compiler, args: readonly string[]): string {
  const tsc = join(dirname(require.resolve(`${compiler}/package.json`)), 'bin', 'tsc')
  const done = spawnSync(process.execPath, [tsc, ...args], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (done.error !== undefined) throw done.error
  return done.stdout + done.stderr
}

function diagnosticsIn(output: string): Diagnostic[] {
  const found: Diagnostic[] = []
  for (const line of output.split('\n')) {
    const head = /^(.+?)\((\d+),(\d+)\): error (TS\d+): (.*)$/.exec(line)
    if (head !== null) {
      const [, file = '', row = '', , code = '', text = ''] = head
      found.push({ file: file.replaceAll('\\', '/'), line: Number(row), code, text })
    } else if (/^error TS\d+/.test(line)) found.push({ file: '', line: 0, code: 'TS', text: line })
    else if (line.trim() !== '') {
      const last = found.at(-1)
      if (last === undefined) found.push({ file: '', line: 0, code: '', text: line })
      else last.text += `\n${line}`
    }
  }
  return found
}

/** What a case says of itself: `// expect: TS2345 words`. */
export interface Mark {
  readonly line: number
  readonly codes: readonly string[]
  readonly words: string
}

export function marksIn(source: string): readonly Mark[] {
  return source.split('\n').flatMap((text, index) => {
    const mark = /\/\/ expect: (TS\d+(?:\/TS\d+)*) (.+)$/.exec(text)
    return mark === null ? [] : [{ line: index + 1, codes: (mark[1] ?? '').split('/'), words: mark[2] ?? '' }]
  })
}

export function read(file: string): string {
  return readFileSync(file, 'utf8')
}
