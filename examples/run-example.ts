/** Runs an example as a user would: the built command, in a directory of its own, in a process of its own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a file under this Node. */
export function runFile(file: string, ...args: string[]): Outcome {
  const directory = mkdtempSync(join(tmpdir(), 'typhoon-example-'))
  try {
    const done = spawnSync(process.execPath, [join(root, file), ...args], {
      cwd: directory,
      encoding: 'utf8',
      timeout: 60_000,
    })
    return { status: done.status, stdout: done.stdout, stderr: done.stderr }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** `typhoon run examples/<name>/topology.ts`. */
export function runExample(name: string, ...args: string[]): Outcome {
  return runFile('bin/typhoon.js', 'run', join(root, 'examples', name, 'topology.ts'), ...args)
}

export function expectedOf(name: string): string {
  return readFileSync(join(root, 'examples', name, 'expected.txt'), 'utf8')
}
