/**
 * The package as a user has it: packed, and unpacked in an empty directory, beside what it says it depends on
 * and nothing else. No registry is asked: dependencies are links to those of the checkout.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildOnce } from '../cli/sandbox.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export function installPacked(directory: string): void {
  buildOnce()
  const quiet = { stdio: ['ignore', 'ignore', 'pipe'] as const }
  const pack = ['pack', '--ignore-scripts', '--pack-destination', directory]
  execFileSync('npm', pack, { cwd: root, stdio: [...quiet.stdio] })
  const archive = readdirSync(directory).find((name) => name.endsWith('.tgz')) ?? 'nothing was packed'
  const modules = join(directory, 'node_modules')
  const packed = join(modules, 'typhoon')
  mkdirSync(packed, { recursive: true })
  const unpack = ['-xzf', join(directory, archive), '-C', packed, '--strip-components=1']
  execFileSync('tar', unpack, { stdio: [...quiet.stdio] })
  const manifest: { dependencies: Record<string, string>; bin: { typhoon: string } } = JSON.parse(
    readFileSync(join(packed, 'package.json'), 'utf8'),
  )
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  mkdirSync(join(modules, '.bin'))
  symlinkSync(join('..', 'typhoon', manifest.bin.typhoon), join(modules, '.bin', 'typhoon'))
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }\n')
}
