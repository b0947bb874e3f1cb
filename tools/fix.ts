/**
 * `npm run fix`: writes anew what can be written anew: format, import order, generated tables and pages,
 * golden files.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { architectureFile, putLayerTable } from './layers.ts'
import { reflowComments } from './reflow.ts'
import { codesInUseFile, renderCodesInUse } from './tidy/errors.ts'
import { lineCharactersMax } from './tidy/sizes.ts'
import { isFixture, readTree, root } from './tree.ts'

let exitCode = 0

function run(name: string, bin: string, args: readonly string[]): void {
  process.stdout.write(`${name}\n`)
  const { status } = spawnSync(join(root, 'node_modules', '.bin', bin), args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) exitCode = 1
}

/** Only what changed is written: a watcher or a build should not wake for nothing. */
function rewrite(path: string, before: string, after: string): void {
  if (after === before) return
  writeFileSync(join(root, path), after)
  process.stdout.write(`${path}\n`)
}

const tree = readTree()
const textOf = (path: string) => (tree.has(path) ? tree.text(path) : '')
rewrite(architectureFile, textOf(architectureFile), putLayerTable(textOf(architectureFile)))
rewrite(codesInUseFile, textOf(codesInUseFile), renderCodesInUse(tree))
for (const path of tree.typescript('src', 'test', 'tools', 'bench', 'examples')) {
  if (isFixture(path)) continue
  rewrite(path, textOf(path), reflowComments(textOf(path), lineCharactersMax))
}
run('format and lint', 'biome', ['check', '--write', '.'])
if (existsSync(join(root, 'tools', 'docs.ts'))) run('reference pages', 'node', ['tools/docs.ts'])
if (existsSync(join(root, 'test', 'scenario'))) {
  run('golden scenarios', 'vitest', ['run', '--project', 'suite', 'test/scenario', '--update'])
}
process.exit(exitCode)
