/**
 * Walks a page of the guide: its commands, as they stand, in a shell, in a directory where the packed package
 * is installed. Only ports are others than on the page, for it may be walked beside other tests.
 */
import { spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import { tryKill } from '../chaos/daemon.ts'
import { freePorts } from '../servers/free-ports.ts'
import type { GuidePage } from './guide-page.ts'
import { installPacked } from './packed-package.ts'

export interface Counts {
  readonly inFile: number
  readonly seen: number
  readonly twice: number
}

type Replacements = readonly (readonly [string, string])[]

export class GuideTour {
  readonly directory: string
  private readonly replacements: Replacements
  /** Put before all commands: what a terminal has kept of earlier ones. */
  private prelude = 'set -eo pipefail\n'

  private constructor(directory: string, replacements: Replacements) {
    this.directory = directory
    this.replacements = replacements
  }

  static async begin(page: GuidePage, zooKeeperPort: number): Promise<GuideTour> {
    const directory = mkdtempSync(join(tmpdir(), 'typhoon-tour-'))
    installPacked(directory)
    const ports = await freePorts(8)
    const replacements: Replacements = [
      ['2181', String(zooKeeperPort)],
      ['$((6626 + n))', `$(cut -d' ' -f$n <<< '${ports[0]} ${ports[1]}')`],
      ['6627', String(ports[0])],
      ['6628', String(ports[1])],
      ['$((8000 + n))', `$(cut -d' ' -f$n <<< '${ports[2]} ${ports[3]}')`],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: of the shell
      ['67${n}0', `$(cut -d' ' -f$n <<< '${ports[4]} ${ports[5]}')`],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: of the shell
      ['67${n}1', `$(cut -d' ' -f$n <<< '${ports[6]} ${ports[7]}')`],
    ]
    const tour = new GuideTour(directory, replacements)
    mkdirSync(join(directory, 'home'))
    for (const name of ['typhoon.yaml', 'word-count.ts']) tour.write(name, page.files.get(name) ?? '')
    return tour
  }

  /** For every later command. */
  remember(definition: string): void {
    this.prelude += `${definition}\n`
  }

  /** What the commands printed. @throws Error one of them failed */
  run(commands: string): Promise<string> {
    const script = this.prelude + this.replaced(commands)
    const path = [join(this.directory, 'node_modules', '.bin'), dirname(process.execPath)]
    // Files, for what a command leaves in the background holds its streams open.
    const [out, err] = [join(this.directory, 'said.out'), join(this.directory, 'said.err')]
    const streams = [openSync(out, 'w'), openSync(err, 'w')]
    return new Promise((resolve, reject) => {
      const child = spawn('bash', ['-c', script], {
        cwd: this.directory,
        stdio: ['ignore', ...streams],
        env: {
          PATH: [...path, process.env['PATH'] ?? ''].join(delimiter),
          HOME: join(this.directory, 'home'),
        },
      })
      for (const stream of streams) closeSync(stream)
      child.on('exit', (code) => {
        const said = readFileSync(out, 'utf8')
        if (code === 0) resolve(said)
        else reject(new Error(`${code}: ${commands}\n${said}\n${readFileSync(err, 'utf8')}\n${this.logs()}`))
      })
    })
  }

  async json(command: string): Promise<Record<string, unknown>> {
    return JSON.parse(await this.run(`${command} -o json`))
  }

  /** As `check` of the page says it. */
  async counts(): Promise<Counts> {
    const said = await this.run('check')
    const [, inFile, seen, twice] = /in the file (\d+) +seen (\d+) +twice (\d+)/.exec(said) ?? []
    if (twice === undefined) throw new Error(`check said: ${said}`)
    return { inFile: Number(inFile), seen: Number(seen), twice: Number(twice) }
  }

  /** Until every word that is in the file now has been seen. */
  async untilAllSeen(): Promise<Counts> {
    const { inFile } = await this.counts()
    await this.until(`${inFile} words are seen`, async () => (await this.counts()).seen >= inFile)
    return await this.counts()
  }

  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const untilMs = Date.now() + UNTIL_MS
    while (!(await isSo())) {
      if (Date.now() > untilMs) throw new Error(`not in ${UNTIL_MS} ms: ${what}\n${this.logs()}`)
      await passed(200)
    }
  }

  /** Processes that were begun in it, by whomever. */
  processes(): readonly number[] {
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return []
      try {
        const own = readFileSync(`/proc/${name}/environ`, 'utf8').includes(this.directory)
        return own ? [Number(name)] : []
      } catch {
        return []
      }
    })
  }

  end(): void {
    for (const pid of this.processes()) tryKill(pid, 'SIGKILL')
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }

  private write(name: string, text: string): void {
    writeFileSync(join(this.directory, name), this.replaced(text))
  }

  private replaced(text: string): string {
    return this.replacements.reduce((all, [from, to]) => all.replaceAll(from, to), text)
  }

  private logs(): string {
    const names = ['nimbus-1.log', 'nimbus-2.log', 'node-1.log', 'node-2.log']
    const found = names.filter((name) => existsSync(join(this.directory, name)))
    return found
      .map((name) => `${name}: ${readFileSync(join(this.directory, name), 'utf8').slice(-1_500)}`)
      .join('\n')
  }
}

const UNTIL_MS = 30_000
