/**
 * A client on a real machine: context or addresses, certificates and token read from files, a host of its
 * own. Used by `typhoon/client` and, with its own flags, by the command line.
 */
import { UnavailableError, UsageError } from '../../base/errors.ts'
import { parseDuration } from '../../config/duration.ts'
import type { Files, Host } from '../../host/host.ts'
import { environmentOf } from '../../host/node-environment.ts'
import { createNodeHost } from '../../host/node-host.ts'
import { NimbusClient } from '../nimbus-client.ts'
import type { ConnectOptions } from './client.ts'
import { ClusterClient } from './cluster-client.ts'
import { type Contexts, contextsPath, parseContexts, type Target, targetAt, targetOf } from './contexts.ts'
import { createSubmitMachine } from './node-machine.ts'

/** A cluster that can be asked. */
export interface Reached {
  readonly nimbus: NimbusClient
  /** With the certificates of the cluster. */
  readonly host: Host
  readonly target: Target
}

export interface ReachOptions {
  readonly token?: string | undefined
  readonly timeoutMs?: number | undefined
}

const SECRET_BYTES_MAX = 1024 * 1024

/** Nothing is asked yet. @throws UsageError SECRET_FILE_UNREADABLE */
export async function reach(target: Target, options: ReachOptions = {}): Promise<Reached> {
  const { files } = createNodeHost()
  const read = async (path: string | undefined) =>
    path === undefined ? undefined : await readSecret(files, path)
  const { tls, tokenFile } = target
  const clientTls =
    tls === undefined
      ? undefined
      : { ca: await read(tls.ca), cert: await read(tls.cert), key: await read(tls.key) }
  const host = createNodeHost({ http: { clientTls } })
  const token = options.token ?? (await read(tokenFile))?.trim()
  const nimbus = new NimbusClient({
    host,
    seeds: target.seeds,
    token,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  })
  return { nimbus, host, target }
}

export async function readContexts(): Promise<Contexts & { readonly path: string }> {
  const path = contextsPath(environmentOf())
  const text = await readText(createNodeHost().files, path)
  return { ...parseContexts(text, path), path }
}

/** @throws UnavailableError NIMBUS_UNREACHABLE; UsageError NOT_AUTHENTICATED, CONTEXT_UNKNOWN */
export async function connectNode(options: ConnectOptions): Promise<ClusterClient> {
  const { tls, timeout, token, signal } = options
  const found = await targetFor(options)
  const target = tls === undefined ? found : { ...found, tls }
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout, 'timeout')
  const { nimbus, host } = await reach(target, { token, timeoutMs })
  // A client that cannot work is told of now, not at its first use.
  await nimbus.call('cluster', [], { signal })
  return new ClusterClient({
    nimbus,
    host,
    machine: createSubmitMachine(),
    isProduction: target.isProduction,
    pathOf: (file) => pathOf(host, file),
  })
}

async function targetFor({ context, nimbus }: ConnectOptions): Promise<Target> {
  if (nimbus !== undefined) {
    if (nimbus.length > 0) return targetAt(nimbus)
    throw new UsageError('CONFIG_INVALID_VALUE', 'nimbus is an empty list: give at least one address')
  }
  const { contexts, default: chosen } = await readContexts()
  const name = context ?? chosen
  return name === undefined ? targetAt(['localhost']) : targetOf(name, contexts)
}

function pathOf(host: Host, file: string | URL): string {
  const isUrl = file instanceof URL || file.startsWith('file:')
  return isUrl ? decodeURIComponent(new URL(file).pathname) : host.files.resolve(file)
}

/** @throws UsageError SECRET_FILE_UNREADABLE */
async function readSecret(files: Files, path: string): Promise<string> {
  const home = environmentOf()['HOME'] ?? ''
  const text = await readText(files, path.replace(/^~(?=\/)/, home))
  if (text !== undefined) return text
  throw new UsageError('SECRET_FILE_UNREADABLE', `there is no file ${path}`, { file: path })
}

async function readText(files: Files, path: string): Promise<string | undefined> {
  const facts = await files.stat(path)
  if (facts === undefined) return undefined
  if (facts.kind !== 'file' || facts.sizeBytes > SECRET_BYTES_MAX) {
    throw new UnavailableError('CONNECT_FAILED', `${path} is not a small file`, { file: path })
  }
  const file = await files.open(path, 'read')
  try {
    const bytes = new Uint8Array(facts.sizeBytes)
    const count = await file.read(bytes, 0)
    return new TextDecoder().decode(bytes.subarray(0, count))
  } finally {
    await file.close()
  }
}
