/** The Java client in a process of its own, told window by window what to do (AsyncRates.java). */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { jarsOf } from '../../test/servers/get-jars.ts'
import type { Load, Window } from './load.ts'

export class JavaClient {
  private readonly child: ChildProcess
  private readonly directory: string
  private readonly lines: AsyncIterator<string>

  private constructor(child: ChildProcess, directory: string) {
    if (child.stdout === null) throw new Error('its output is a pipe')
    this.child = child
    this.directory = directory
    this.lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  }

  /** Compiled and connected. @throws Error with what the compiler said */
  static async start({ connectString, root, outstanding, nodes }: Load): Promise<JavaClient> {
    const directory = mkdtempSync(join(tmpdir(), 'typhoon-java-client-'))
    const jars = join(await jarsOf('zookeeper'), '*')
    const source = join(import.meta.dirname, 'AsyncRates.java')
    const compiled = spawnSync('javac', ['-cp', jars, '-d', directory, source], { encoding: 'utf8' })
    if (compiled.status !== 0) throw new Error(`javac: ${compiled.stderr ?? compiled.error}`)
    const flags = [
      '-Xmx512m',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
      '-cp',
      `${directory}:${jars}`,
    ]
    const args = [connectString, root, String(outstanding), String(nodes)]
    const child = spawn('java', [...flags, 'AsyncRates', ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    process.on('exit', () => child.kill('SIGKILL'))
    const client = new JavaClient(child, directory)
    await client.line()
    return client
  }

  async run(kind: string, lengthMs: number): Promise<Window> {
    this.child.stdin?.write(`${kind} ${Math.ceil(lengthMs)}\n`)
    const [calls = 0, seconds = 1, failed = 0] = (await this.line()).split(' ').map(Number)
    if (failed > 0) throw new Error(`${failed} calls of the Java client failed`)
    return { calls, seconds }
  }

  stop(): void {
    this.child.stdin?.end()
    this.child.kill('SIGTERM')
    rmSync(this.directory, { recursive: true, force: true })
  }

  private async line(): Promise<string> {
    const next = await this.lines.next()
    if (next.done === true) throw new Error('the Java client ended')
    return next.value
  }
}
