// A directory of its own in which the built command is run, as a user would: outside of any project.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = join(root, 'bin', 'typhoon.js')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The package is tested as built; a fresh clone has not built it yet. */
export function buildOnce(): void {
  if (existsSync(join(root, 'dist', 'cli', 'main.js'))) return
  execFileSync('npm', ['run', 'build'], { cwd: root, stdio: 'inherit' })
}

export class Sandbox {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'typhoon-cli-')))

  write(name: string, text: string): string {
    const path = join(this.directory, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const { NO_COLOR: _no, FORCE_COLOR: _force, ...clean } = process.env
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: this.directory,
      env: { ...clean, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return new Running(child, this.directory)
  }

  /** Runs to the end. The directory's name is left out of what was printed. */
  typhoon(...args: string[]): Promise<Ended> {
    return this.start(args).ended
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export class Running {
  readonly ended: Promise<Ended>
  private readonly child: ChildProcess
  private out = ''
  private err = ''
  private onOutput: () => void = () => undefined

  constructor(child: ChildProcess, directory: string) {
    this.child = child
    child.stdout?.on('data', (bytes: Buffer) => {
      this.out += bytes.toString()
      this.onOutput()
    })
    child.stderr?.on('data', (bytes: Buffer) => {
      this.err += bytes.toString()
      this.onOutput()
    })
    const hidden = (text: string): string => text.replaceAll(directory, '<dir>')
    this.ended = new Promise((resolve) => {
      child.on('close', (code) => {
        this.onOutput()
        resolve({ code, stdout: hidden(this.out), stderr: hidden(this.err) })
      })
    })
  }

  /** Waits until both streams together hold this text, so many times. */
  async says(text: string, times = 1): Promise<void> {
    while (`${this.out}\n${this.err}`.split(text).length <= times) {
      if (this.child.exitCode !== null) throw new Error(`it ended without "${text}":\n${this.out}${this.err}`)
      await new Promise<void>((resolve) => {
        this.onOutput = resolve
      })
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }
}
