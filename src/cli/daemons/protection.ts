/**
 * Who may reach the listeners of a daemon: everybody on this machine, while they are on loopback; beyond
 * it only with TLS and tokens, or it does not start.
 *
 * Invariants
 *   P1  a listener beyond loopback has certificates, an authority and tokens
 *   P2  no message holds what stands in one of the files
 */
import { UsageError } from '../../base/errors.ts'
import type { ClusterConfig } from '../../config/cluster-config.ts'
import type { Host } from '../../host/host.ts'
import { Tokens } from '../../rpc/tokens.ts'
import type { Shell } from '../shell.ts'

/** Contents of PEM files, and where they are. */
export interface DaemonTls {
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly files: { readonly cert: string; readonly key: string; readonly ca: string }
}

export interface Protection {
  readonly tls: DaemonTls | undefined
  /** Whom this daemon lets in. undefined: whoever is on this machine. */
  readonly tokens: Tokens | undefined
  /** What this daemon shows to others. */
  readonly ownToken: string | undefined
}

const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|\[::1\])$/i

export function isLoopback(address: string): boolean {
  return LOOPBACK.test(address)
}

/** @throws UsageError TLS_REQUIRED, SECRET_FILE_UNREADABLE, CONFIG_CONTRADICTION */
export function protectionOf(shell: Shell, host: Pick<Host, 'digest'>, config: ClusterConfig): Protection {
  const read = (name: keyof ClusterConfig) => readSecret(shell, name, config[name])
  const tls = tlsOf(shell, config, read)
  const tokensText = read('security.tokens.file')
  const tokens =
    tokensText === undefined
      ? undefined
      : Tokens.parse(tokensText, String(config['security.tokens.file']), host)
  const ownToken = read('security.token.file')?.trim()
  const bind = config['bind.address'] ?? '127.0.0.1'
  if (!isLoopback(bind) && (tls === undefined || tokens === undefined)) {
    const missing = [
      ...(tls === undefined
        ? ['security.tls.cert.file, security.tls.key.file and security.tls.ca.file']
        : []),
      ...(tokens === undefined ? ['security.tokens.file'] : []),
    ]
    const message = `bind.address is ${bind}, which others can reach, without ${missing.join(' and ')}`
    throw new UsageError('TLS_REQUIRED', message, { address: bind })
  }
  if (tokens !== undefined && ownToken === undefined) {
    const message =
      'security.tokens.file is set without security.token.file: this daemon could not ask others'
    throw new UsageError('CONFIG_CONTRADICTION', message)
  }
  return { tls, tokens, ownToken }
}

function tlsOf(
  shell: Shell,
  config: ClusterConfig,
  read: (name: keyof ClusterConfig) => string | undefined,
): DaemonTls | undefined {
  const names = ['security.tls.cert.file', 'security.tls.key.file', 'security.tls.ca.file'] as const
  const [cert, key, ca] = names.map(read)
  const given = names.filter((name) => config[name] !== undefined && config[name] !== null)
  if (given.length === 0) return undefined
  if (cert === undefined || key === undefined || ca === undefined) {
    const missing = names.filter((name) => !given.includes(name))
    const what = `${given.join(' and ')} without ${missing.join(' and ')}`
    const message = `${what}: TLS of a cluster needs all three`
    throw new UsageError('CONFIG_CONTRADICTION', message)
  }
  const at = (name: keyof ClusterConfig) =>
    shell.files.resolve(shell.terminal.directory, String(config[name]))
  return { cert, key, ca, files: { cert: at(names[0]), key: at(names[1]), ca: at(names[2]) } }
}

function readSecret(shell: Shell, name: string, path: unknown): string | undefined {
  if (typeof path !== 'string') return undefined
  const text = shell.machine.readText(shell.files.resolve(shell.terminal.directory, path))
  if (text !== undefined) return text
  throw new UsageError('SECRET_FILE_UNREADABLE', `${name}: there is no file ${path}`, { key: name })
}
