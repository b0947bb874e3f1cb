/**
 * Starts real ZooKeeper servers for a test: one, or an ensemble of three, each a JVM with a directory and
 * ports of its own on 127.0.0.1, or at another address of this machine.
 *
 *   const zooKeeper = await startZooKeeper({ servers: 3 })
 *   …connect to zooKeeper.connectString; await zooKeeper.servers[0].kill('SIGSTOP')…
 *   await zooKeeper.stop()
 *
 * Sessions may be 1 to 10 s long (2 to 20 ticks of 500 ms). All four-letter words are allowed, TTL nodes too.
 * Ports are found by asking for free ones, so a start that loses the race for one is tried again.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificates, makeCertificates } from './certificates.ts'
import { freePorts } from './free-ports.ts'
import { jarsOf, whatJavaLacks } from './get-jars.ts'
import { JavaServer } from './java-server.ts'

export { START_TIMEOUT_MS } from './java-server.ts'

const LOOPBACK = '127.0.0.1'
const START_ATTEMPTS = 3
const WORD_TIMEOUT_MS = 1_000

export interface ZooKeeperSpec {
  readonly servers: 1 | 3
  /** An address of this machine. Default: loopback. */
  readonly host?: string
  /** Users as in `saslUsers`; `required`: who has not said who he is gets nothing. */
  readonly sasl?: boolean | 'required'
  /** A second port for TLS; `mutual`: clients need a certificate. */
  readonly tls?: boolean | 'mutual'
  /** Kept by `stop`. Default: a temporary directory, removed by `stop`. */
  readonly dataDir?: string
  /** Default 500. Sessions are 2 to 20 of them long. */
  readonly tickMs?: number
  /** Rates will be measured: with all of Java's compilers, a collector for two cores, a larger heap. */
  readonly isMeasured?: boolean
}

/** Name → password, of servers with `sasl`. */
export const saslUsers: Readonly<Record<string, string>> = { alice: 'wonderland', bob: 'builder' }

export interface ZooKeeperServer {
  /** From 1. */
  readonly id: number
  readonly port: number
  /** 0 without `tls`. */
  readonly tlsPort: number
  /** `host:port`. */
  readonly address: string
  /** 0 while it does not run. */
  readonly pid: number
  /** Resolves when sent; for SIGKILL and SIGTERM when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** In order. */
  stop(): Promise<void>
  /** After kill or stop: on the same data and port. Resolves when it serves. */
  start(): Promise<void>
  /** False as well if it does not answer. The only server is always the leader. */
  isLeader(): Promise<boolean>
  /** Answer to a four-letter word, for example `cons`. @throws Error if there is none within a second */
  ask(word: string): Promise<string>
}

export interface RunningZooKeeper {
  /** `host:port,…` of all servers. */
  readonly connectString: string
  /** The same for TLS; empty without. */
  readonly tlsConnectString: string
  /** Only with `tls`. */
  readonly certificates: Certificates | undefined
  readonly servers: readonly ZooKeeperServer[]
  /** Ends all servers and removes their directories. Safe to repeat. */
  stop(): Promise<void>
}

/** Why real ZooKeeper cannot run here; undefined: it can. In CI what is missing is installed. */
export function whyNoZooKeeper(): string | undefined {
  const lacks = whatJavaLacks()
  if (lacks === undefined) return undefined
  process.stderr.write(`real ZooKeeper cannot be started: ${lacks}\n`)
  // A test run of CI skips nothing: there the start fails and says why.
  return process.env['CI'] === undefined ? lacks : undefined
}

/** Resolves when all servers serve. @throws Error with the log of the one that does not */
export async function startZooKeeper(spec: ZooKeeperSpec): Promise<RunningZooKeeper> {
  const jars = await jarsOf('zookeeper')
  for (let attempt = 1; ; attempt += 1) {
    const directory = spec.dataDir ?? mkdtempSync(join(tmpdir(), 'typhoon-zookeeper-'))
    const ensemble = await makeEnsemble(spec, directory, jars)
    try {
      await Promise.all(ensemble.servers.map((server) => server.start()))
      return ensemble
    } catch (error) {
      await ensemble.stop()
      const isPortTaken = error instanceof Error && error.message.includes('BindException')
      if (!isPortTaken || attempt === START_ATTEMPTS) throw error
    }
  }
}

interface Ports {
  readonly client: number
  readonly tls: number
  readonly peer: number
  readonly election: number
}

async function makeEnsemble(spec: ZooKeeperSpec, directory: string, jars: string): Promise<RunningZooKeeper> {
  const numbers = await freePorts(spec.servers * 4)
  const ports = Array.from({ length: spec.servers }, (_, index): Ports => {
    const [client = 0, tls = 0, peer = 0, election = 0] = numbers.slice(index * 4)
    return { client, tls, peer, election }
  })
  const certificates = spec.tls ? makeCertificates(join(directory, 'tls')) : undefined
  const host = spec.host ?? LOOPBACK
  const plan: Plan = { spec, host, directory, jars, ports, certificates }
  const servers = ports.map((_, index) => makeServer(plan, index))
  const addresses = (of: (each: Ports) => number) => ports.map((each) => `${host}:${of(each)}`).join(',')
  return {
    connectString: addresses((each) => each.client),
    tlsConnectString: spec.tls ? addresses((each) => each.tls) : '',
    certificates,
    servers,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
      if (spec.dataDir === undefined) rmSync(directory, { recursive: true, force: true })
    },
  }
}

interface Plan {
  readonly spec: ZooKeeperSpec
  readonly host: string
  readonly directory: string
  readonly jars: string
  readonly ports: readonly Ports[]
  readonly certificates: Certificates | undefined
}

function makeServer(plan: Plan, index: number): ZooKeeperServer {
  const { spec, host, ports } = plan
  const own = join(plan.directory, String(index + 1))
  const { client = 0, tls = 0 } = ports[index] ?? {}
  mkdirSync(join(own, 'data'), { recursive: true })
  writeFileSync(join(own, 'data', 'myid'), `${index + 1}\n`)
  writeFileSync(join(own, 'zoo.cfg'), configText(plan, index, join(own, 'data')))
  const mode = async () => /^Mode: (\w+)/m.exec(await askServer(host, client, 'srvr'))?.[1]
  const java = new JavaServer({
    name: `ZooKeeper ${index + 1}`,
    directory: own,
    args: [
      ...javaFlags(spec),
      ...(spec.sasl ? [`-Djava.security.auth.login.config=${writeLogins(own)}`] : []),
      ...[
        '-cp',
        join(plan.jars, '*'),
        'org.apache.zookeeper.server.quorum.QuorumPeerMain',
        join(own, 'zoo.cfg'),
      ],
    ],
    isReady: async () => (await mode()) !== undefined,
  })
  return {
    id: index + 1,
    port: client,
    tlsPort: spec.tls ? tls : 0,
    address: `${host}:${client}`,
    get pid() {
      return java.pid
    },
    kill: (signal) => java.kill(signal),
    stop: () => java.stop(),
    start: () => java.start(),
    ask: (word) => askServer(host, client, word),
    async isLeader() {
      const said = await mode().catch(() => undefined)
      return said === 'leader' || said === 'standalone'
    },
  }
}

function configText({ spec, host, ports, certificates }: Plan, index: number, data: string): string {
  const own = ports[index]
  const lines: Record<string, string | number | boolean | undefined> = {
    tickTime: spec.tickMs ?? 500,
    initLimit: 20,
    syncLimit: 10,
    dataDir: data,
    clientPort: own?.client,
    clientPortAddress: host,
    'admin.enableServer': false,
    '4lw.commands.whitelist': '*',
    maxClientCnxns: 0,
    extendedTypesEnabled: true,
  }
  // A file of one server must not name it as a member, or it waits for a quorum of one and an election.
  if (ports.length > 1) {
    for (const [place, { peer, election }] of ports.entries())
      lines[`server.${place + 1}`] = `${host}:${peer}:${election}`
  }
  if (spec.sasl) {
    lines['authProvider.sasl'] = 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider'
    lines['enforce.auth.enabled'] = spec.sasl === 'required'
    if (spec.sasl === 'required') lines['enforce.auth.schemes'] = 'sasl'
  }
  if (certificates !== undefined) {
    lines['secureClientPort'] = own?.tls
    lines['secureClientPortAddress'] = host
    // The other factory speaks no TLS.
    lines['serverCnxnFactory'] = 'org.apache.zookeeper.server.NettyServerCnxnFactory'
    lines['ssl.keyStore.location'] = certificates.server
    lines['ssl.trustStore.location'] = certificates.ca
    lines['ssl.clientAuth'] = spec.tls === 'mutual' ? 'need' : 'none'
  }
  return Object.entries(lines)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

function javaFlags({ isMeasured }: ZooKeeperSpec): readonly string[] {
  const speed = isMeasured ? ['-Xmx512m'] : ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  const log = ['showDateTime=true', 'dateTimeFormat=HH:mm:ss.SSS', 'defaultLogLevel=warn']
  return [
    ...speed,
    '-XX:-UsePerfData',
    '-Xshare:auto',
    '-Djava.net.preferIPv4Stack=true',
    '-Dzookeeper.fsync.warningthresholdms=10000',
    // Containers and nodes with a lifetime are looked at that often; a minute would be too long for a test.
    '-Dznode.container.checkIntervalMs=500',
    ...log.map((each) => `-Dorg.slf4j.simpleLogger.${each}`),
  ]
}

function writeLogins(directory: string): string {
  const users = Object.entries(saslUsers).map(([name, password]) => `user_${name}="${password}"`)
  const path = join(directory, 'logins.conf')
  const logins = 'org.apache.zookeeper.server.auth.DigestLoginModule'
  writeFileSync(path, `Server {\n  ${logins} required\n  ${users.join('\n  ')};\n};\n`)
  return path
}

function askServer(host: string, port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => void socket.write(word))
    let answer = ''
    socket.setEncoding('utf8').setTimeout(WORD_TIMEOUT_MS, () => socket.destroy(new Error('no answer')))
    socket.on('data', (text: string) => {
      answer += text
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}
