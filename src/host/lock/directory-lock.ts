/**
 * One user of a directory at a time: a supervisor of its workers, a run of its positions, a cluster in memory
 * of all that is there. Each that begins puts up a claim, an empty file with its name, and only then looks
 * who else has one: of two that begin at once at least one sees the other.
 *
 *   <holder>.lock/<pid>-<time of birth>-<owner>
 *
 *   claim put up ─▶ another's of a process that lives? ─ yes ─▶ taken down, once more a little later, refused
 *                        │ no
 *                        ▼
 *                      held ─▶ announced: claims of the dead are removed ─▶ released: taken down
 *
 * A claim needs no release to end: it ends with its process, which its time of birth tells from the next one
 * with the same pid. The claims of the dead say who was here before, which a supervisor wants to know.
 *
 * Does not know: what is in the directory. Processes of another machine, or of another container, that shares
 * it: their pids mean nothing here.
 *
 * Invariants
 *   K1  never do two living processes of which one is the other's rival hold one directory, if each is the
 *       other's; that both are refused is possible, and rare
 *   K2  a claim of a living process is never removed by another one
 */
import { ConflictError } from '../../base/errors.ts'
import type { Host } from '../host.ts'
import type { Processes } from '../processes.ts'

/** A process for good: a pid alone may be somebody else's by now. */
export interface LifeName {
  readonly pid: number
  readonly bornAt: string
}

/** Who this process is, and whether another one lives. */
export interface Lives {
  readonly self: LifeName
  isAlive(process: LifeName): Promise<boolean>
}

export type Holder = 'supervisor' | 'run' | 'dev-cluster' | 'nimbus'

export interface DirectoryLockSpec {
  readonly host: Host
  readonly lives: Lives
  /** What is locked. It is there. */
  readonly directory: string
  /** What has it: claims are in `<holder>.lock`. */
  readonly holder: Holder
  /** Those that may not have it as well; they say the same of it. Default: others of its own kind. */
  readonly rivals?: readonly Holder[]
  /** Of this life of whoever takes it: 32 hexadecimal digits. */
  readonly owner: string
}

interface Claim extends LifeName {
  readonly holder: Holder
  readonly file: string
  readonly owner: string
}

const CLAIM = /^([1-9]\d*)-(.+)-([0-9a-f]{32})$/
const TRIES = 5
/** A choice: some times what putting up a claim and looking around takes. */
const AGAIN_MS_MIN = 20
const AGAIN_MS_MAX = 120
/** Claims of the dead that are kept: killed so often before one of them forgot the others. */
const FORMER_MAX = 32

export class DirectoryLock {
  private readonly spec: DirectoryLockSpec
  private readonly path: string
  private readonly own: string
  private dead: readonly Claim[] = []

  constructor(spec: DirectoryLockSpec) {
    const { host, lives, directory, holder, owner } = spec
    this.spec = spec
    this.path = host.files.resolve(directory, `${holder}.lock`)
    this.own = `${lives.self.pid}-${lives.self.bornAt}-${owner}`
  }

  /** Owners that were in this directory, and did not end in good order. */
  get formerOwners(): readonly string[] {
    return this.dead.map(({ owner }) => owner)
  }

  /** @throws ConflictError DIRECTORY_IN_USE; UnavailableError DISK_FULL, CONNECT_FAILED */
  async take(): Promise<void> {
    const { host } = this.spec
    const { files, timers, random } = host
    await files.makeDirectory(this.path)
    for (let tries = 1; ; tries += 1) {
      const other = await this.tryTake()
      if (other === undefined) return
      if (tries === TRIES) throw inUse(this.spec, other)
      const delayMs = AGAIN_MS_MIN + random.next() * (AGAIN_MS_MAX - AGAIN_MS_MIN)
      await new Promise<void>((resolve) => timers.after(delayMs, resolve))
    }
  }

  /** Those who were here before are of no interest any more. */
  async forgetFormer(): Promise<void> {
    const { dead } = this
    this.dead = []
    for (const claim of dead) await this.remove(claim.file)
  }

  /** Nothing happens if it is not held. */
  release(): Promise<void> {
    return this.remove(this.own)
  }

  /** One that is in the way. */
  private async tryTake(): Promise<Claim | undefined> {
    const { host, holder, lives, rivals = [holder] } = this.spec
    const { files } = host
    const file = await files.open(files.resolve(this.path, this.own), 'create')
    await file.close()
    const dead: Claim[] = []
    for (const claim of await this.others(new Set([holder, ...rivals]))) {
      const isAlive = await lives.isAlive(claim)
      if (isAlive && rivals.includes(claim.holder)) {
        await this.release()
        return claim
      }
      if (!isAlive && claim.holder === holder) dead.push(claim)
    }
    this.dead = dead
    if (dead.length > FORMER_MAX) await this.forgetFormer()
    return undefined
  }

  private async others(holders: Iterable<Holder>): Promise<readonly Claim[]> {
    const { files } = this.spec.host
    const found: Claim[] = []
    for (const holder of holders) {
      const names = await files.list(files.resolve(this.spec.directory, `${holder}.lock`))
      found.push(...claimsIn(names, holder).filter(({ file }) => file !== this.own))
    }
    return found
  }

  private remove(file: string): Promise<void> {
    const { files } = this.spec.host
    return files.remove(files.resolve(this.path, file))
  }
}

/** Over the machine's processes. */
export function livesOn(processes: Pick<Processes, 'self' | 'facts'>): Lives {
  return {
    self: processes.self,
    isAlive: async ({ pid, bornAt }) => (await processes.facts(pid))?.bornAt === bornAt,
  }
}

/** Of one life. */
export function newOwner(host: Host): string {
  const words = new Int32Array(4)
  host.random.fill(words)
  return [...words].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

/** What is no claim is somebody else's, and left alone. */
function claimsIn(names: readonly string[], holder: Holder): readonly Claim[] {
  return names.flatMap((file) => {
    const found = CLAIM.exec(file)
    return found === null
      ? []
      : [{ file, holder, pid: Number(found[1]), bornAt: found[2] ?? '', owner: found[3] ?? '' }]
  })
}

function inUse({ directory, holder }: DirectoryLockSpec, { holder: other, pid }: Claim): ConflictError {
  const text = `${directory} is in use by ${other === holder ? 'another' : 'a'} ${other}, process ${pid}`
  return new ConflictError('DIRECTORY_IN_USE', text, { path: directory, pid })
}
