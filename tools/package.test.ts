// Goal: what a fresh clone and a user's install rely on stays so. Method: reads package.json and the lock
// file, and runs the command as a user would.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { doors } from './layers.ts'
import { type Lock, missingFromLock } from './lock.ts'
import { root } from './tree.ts'

function read(name: string): string {
  return readFileSync(join(root, name), 'utf8')
}

const manifest: {
  engines: { node: string }
  scripts: Record<string, string>
  exports: Record<string, { types: string; default: string } | string>
} = JSON.parse(read('package.json'))

describe('the package', () => {
  test('exports exactly the doors', () => {
    const built = Object.values(manifest.exports).flatMap((door) => (typeof door === 'string' ? [] : [door]))
    expect(built.map((door) => door.default)).toEqual(
      doors.map((door) => door.replace('src/', './dist/').replace(/\.ts$/, '.js')),
    )
    for (const door of built) expect(door.types).toBe(door.default.replace(/\.js$/, '.d.ts'))
  })

  test('has source maps that lead to its sources: its frames are told from those of users', () => {
    const folder = join(root, 'dist/flow/executor/spout')
    const text = readFileSync(join(folder, 'source-task.js.map'), 'utf8')
    const map: { sources: string[] } = JSON.parse(text)
    expect(map.sources.map((source) => join(folder, source))).toEqual([
      join(root, 'src/flow/executor/spout/source-task.ts'),
    ])
  })

  test('has a lock file that names every optional package, for npm ci refuses it otherwise', () => {
    const lock: Lock = JSON.parse(read('package-lock.json'))
    expect([...missingFromLock(lock).keys()]).toEqual([])
  })
})

describe('the start of every script', () => {
  test('refuses a script it does not know, and says which ones there are', () => {
    const args = [join(root, 'tools/bootstrap.mjs'), 'deploy']
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    for (const script of Object.keys(manifest.scripts))
      if (script !== 'prepack') expect(stderr).toContain(script)
  })
})

describe('the lock tool', () => {
  test('puts back a package of another platform, and leaves what is there', () => {
    const lock: Lock = {
      packages: {
        'node_modules/a': {
          optionalDependencies: { '@a/linux-x64': '1.2.3', '@a/linux-arm64-musl': '1.2.3' },
        },
        'node_modules/@a/linux-x64': { version: '1.2.3' },
      },
    }
    expect([...missingFromLock(lock)]).toEqual([
      [
        'node_modules/@a/linux-arm64-musl',
        { version: '1.2.3', optional: true, cpu: ['arm64'], libc: ['musl'], os: ['linux'] },
      ],
    ])
  })
})

describe('the command', () => {
  const versionMin = manifest.engines.node.replace('>=', '')

  function runUnder(version: string): { status: number | null; stderr: string } {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`
    const args = [
      '--import',
      `data:text/javascript,${encodeURIComponent(pretend)}`,
      join(root, 'bin/typhoon.js'),
      '--version',
    ]
    return spawnSync(process.execPath, args, { encoding: 'utf8' })
  }

  test('under an old Node says which one it needs, and how to get it, and exits with 2', () => {
    for (const old of ['18.20.0', '20.20.2', '22.21.9']) {
      const { status, stderr } = runUnder(old)
      expect(status).toBe(2)
      expect(stderr).toContain(`this is Node ${old}, and Typhoon needs Node ${versionMin} or newer`)
      expect(stderr).toContain('fix: install Node')
    }
  })

  test('under a new Node goes on', () => {
    for (const fine of ['22.22.0', '24.0.0']) expect(runUnder(fine).stderr).not.toContain('needs Node')
  })

  test('and the scripts of the checkout ask for the same Node as the package', () => {
    const [major, minor] = versionMin.split('.')
    for (const file of ['bin/typhoon.js', 'tools/bootstrap.mjs']) {
      expect(read(file), file).toContain(`const NODE_MIN = [${major}, ${minor}]`)
    }
  })
})
