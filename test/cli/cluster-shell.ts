// Commands of the command line in this process, against a fake Nimbus on loopback: what they print, and
// how they end.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { understand } from '../../src/cli/command-line.ts'
import { commandNamed } from '../../src/cli/command-list.ts'
import { plainPaint } from '../../src/cli/paint.ts'
import { sayError } from '../../src/cli/say/say-error.ts'
import { Shell } from '../../src/cli/shell.ts'
import { nodeMachine } from '../../src/host/cli/node-cli-machine.ts'
import type { Terminal } from '../../src/host/cli/node-cli-terminal.ts'
import type { Stoppable } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { serveFastify } from '../../src/rpc/fastify-server.ts'
import type { Tokens } from '../../src/rpc/tokens.ts'
import { makeApi } from '../rpc/api-world.ts'
import type { FakeNimbus } from '../rpc/fake-nimbus.ts'

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A Nimbus that is not one, and a place to run commands in. */
export class ClusterShell {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'typhoon-cluster-')))
  readonly nimbus: FakeNimbus
  readonly address: string
  /** Somebody sits at the keyboard, and types this at each question. */
  answer: (() => string) | undefined
  private readonly server: Stoppable

  private constructor(nimbus: FakeNimbus, server: Stoppable & { readonly address: string }) {
    this.nimbus = nimbus
    this.server = server
    this.address = server.address
  }

  static async open(tokens?: Tokens): Promise<ClusterShell> {
    const { nimbus, dispatcher } = makeApi(tokens)
    const server = await serveFastify(dispatcher, { host: '127.0.0.1', port: 0 })
    return new ClusterShell(nimbus, server)
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.directory, name), text)
  }

  /** With `--nimbus` of the fake one; what differs from run to run is left out of what was said. */
  async run(...argv: readonly string[]): Promise<Said> {
    return await this.say([
      ...argv.slice(0, dashes(argv)),
      '--nimbus',
      this.address,
      ...argv.slice(dashes(argv)),
    ])
  }

  /** As it stands. */
  async say(argv: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Said> {
    const out: string[] = []
    const err: string[] = []
    const shell = shellIn(this.directory, out, err, environment, this.answer)
    let code = 0
    let isJson = false
    try {
      const { invocation } = understand(argv, 100)
      if (invocation === undefined) throw new Error('help was printed')
      isJson = invocation.output.startsWith('json')
      const run = await commandNamed(invocation.command)
      if (run === undefined) throw new Error(`nobody does ${invocation.command}`)
      code = await run(shell, invocation)
    } catch (error) {
      code = sayError(shell, error, isJson)
    }
    const hidden = (parts: readonly string[]) =>
      parts.join('').replaceAll(this.directory, '<dir>').replaceAll(this.address, '<nimbus>')
    return { code, stdout: hidden(out), stderr: hidden(err) }
  }

  close(): void {
    this.server.stop()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

function dashes(argv: readonly string[]): number {
  const at = argv.indexOf('--')
  return at === -1 ? argv.length : at
}

function shellIn(
  directory: string,
  out: string[],
  err: string[],
  environment: Readonly<Record<string, string>>,
  answer: (() => string) | undefined,
): Shell {
  const host = createNodeHost()
  const stream = (parts: string[]) => ({
    isTerminal: false,
    columns: () => 100,
    rows: () => 24,
    write: (text: string) => void parts.push(text),
  })
  const terminal: Terminal = {
    out: stream(out),
    err: stream(err),
    hasKeyboard: answer !== undefined,
    environment: { HOME: directory, ...environment },
    directory,
    style: (_style, text) => text,
    onKey: (callback) => {
      for (const key of `${answer?.() ?? ''}\r`) callback(key)
      return { stop: () => undefined }
    },
    onUncaught: () => undefined,
    nextTurn: () => Promise.resolve(),
    end: () => new Promise(() => undefined),
  }
  return new Shell({
    terminal,
    machine: nodeMachine,
    files: host.files,
    timers: host.timers,
    clock: host.clock,
    paint: plainPaint,
    paintError: plainPaint,
    makeModules: async () => (await import('../../src/host/cli/node-cli-modules.ts')).createModuleLoader(),
  })
}
