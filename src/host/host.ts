/**
 * The door to the outside: clock, timers, randomness, network, files, checksums.
 *
 * Every part of Typhoon receives a `Host` and touches nothing else outside, so the same engine runs
 * in production (`node-host.ts`), and in virtual time under a seed (`virtual-host.ts`).
 *
 * Does not know: topologies, tuples, tasks.
 */

/** Time. Two clocks: one for people and deadlines that are stored, one for measuring. */
export interface Clock {
  /** Wall time, milliseconds since 1970-01-01 UTC. May jump. */
  now(): number
  /** Milliseconds since some start, with fractions. Never goes back. */
  monotonicMs(): number
}

/** Something that was started and can be stopped. Stopping twice does nothing. */
export interface Stoppable {
  stop(): void
}

export interface Timers {
  /** Calls once, `delayMs` from now or a little later, never before the caller has returned. */
  after(delayMs: number, callback: () => void): Stoppable
  /** Calls every `periodMs`, the first time one period from now. A late call is not made up for. */
  every(periodMs: number, callback: () => void): Stoppable
  /** Calls once, after I/O that is ready had its turn. What runs there may defer again. */
  defer(callback: () => void): void
}

/** Digests that protocols and addresses of content ask for; the first two are too weak for anything else. */
export type DigestAlgorithm = 'md5' | 'sha1' | 'sha256'

/** Random numbers. Production: keyed by a cryptographic key. Simulation: from the seed. */
export interface Random {
  /** From 0 to below 1. */
  next(): number
  /** Fills with uniformly distributed int32. For ids: 64 bits are two of them. */
  fill(target: Int32Array): void
  /** A stream of its own; drawing from it does not shift this one. Same label, same stream. */
  split(label: string): Random
}

/** One end of a byte stream. Set the three callbacks before the current turn ends. */
export interface Connection {
  /** The other end's address, for logs. */
  readonly peer: string
  /** Bytes that arrived. Valid during the call only: copy what is kept. */
  onBytes: (bytes: Uint8Array) => void
  /** Room again after `write` answered false. */
  onDrain: () => void
  /** Called exactly once, by whichever side closed; `why` is undefined for an orderly end. */
  onClose: (why: Error | undefined) => void
  /**
   * Sends bytes in order. They belong to the connection from now on. False: more than its buffer
   * holds is waiting, so stop until `onDrain`. After the end: nothing happens, and the answer is true.
   */
  write(bytes: Uint8Array): boolean
  /** Ends at once; what was not sent is lost. Nothing arrives any more; `onClose` comes in a later turn. */
  close(): void
}

export interface Net {
  /** @throws UnavailableError PORT_IN_USE */
  listen(address: string, onConnection: (connection: Connection) => void): Promise<Stoppable>
  /**
   * Never throws: a failed dial is told through `onClose`, after ten seconds at the latest. `onOpen` comes
   * before any bytes; what is written before it waits for it.
   */
  connect(address: string, onOpen: () => void): Connection
}

/** A request over HTTP. Header names in small letters. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its query: `/api/v2/topologies?limit=10`. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface HttpLimits {
  /** From the call to the last byte of the reply. */
  readonly timeoutMs: number
  /** A longer reply is refused before it is read. */
  readonly bodyBytesMax: number
  readonly signal?: AbortSignal | undefined
}

/** Requests between daemons, and from clients. Connections are kept and used again. */
export interface Http {
  /**
   * @param address `host:port`
   * @throws UnavailableError CONNECT_FAILED nobody answers there (`details.outcome`: `none` if nothing was
   *   sent, else `unknown`); OPERATION_TIMED_OUT
   */
  request(address: string, request: HttpRequest, limits: HttpLimits): Promise<HttpReply>
  /**
   * Answers requests until stopped; a longer body than `bodyBytesMax` is refused with 413. Port 0: any free
   * one, see `address`. Nimbus' API in production is served by fastify instead (rpc/fastify-server.ts).
   * @throws UnavailableError PORT_IN_USE
   */
  serve(
    address: string,
    answer: (request: HttpRequest) => Promise<HttpReply>,
    bodyBytesMax: number,
  ): Promise<Stoppable & { readonly address: string }>
}

/** What is known of a path. */
export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'other'
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** An open file. Every call after `close` rejects. */
export interface OpenFile {
  /** Reads up to `target.length` bytes at `positionBytes`; returns how many, 0 at the end. */
  read(target: Uint8Array, positionBytes: number): Promise<number>
  /** Writes all of `bytes` at `positionBytes`. */
  write(bytes: Uint8Array, positionBytes: number): Promise<void>
  truncate(sizeBytes: number): Promise<void>
  /** On disk for sure when it resolves. */
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * Files and directories. Paths are absolute or relative to the working directory.
 * @throws UnavailableError DISK_FULL where there is no room; else CONNECT_FAILED with the path and the
 *   system's code (`ENOENT`, `EACCES`, `EISDIR` …) in `details.reason`
 */
export interface Files {
  /** undefined: there is nothing. */
  stat(path: string): Promise<FileFacts | undefined>
  /** Names in a directory, sorted. Empty if it does not exist. */
  list(directory: string): Promise<readonly string[]>
  /** `read`: must exist. `write`: made if missing, kept as it is. `create`: made or emptied. */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenFile>
  /** Replaces `to` at once if it exists. */
  rename(from: string, to: string): Promise<void>
  /** A missing path is no error. Directories go with everything in them. */
  remove(path: string): Promise<void>
  /** With its parents; an existing one is no error. */
  makeDirectory(path: string): Promise<void>
  /** Makes entries of a directory durable after rename or create. */
  syncDirectory(path: string): Promise<void>
  /**
   * Calls when the file or directory may have changed; may call too often, may miss: look again by time, too.
   */
  watch(path: string, callback: () => void): Stoppable
  /** A fresh directory for temporary things. */
  makeTemporaryDirectory(prefix: string): Promise<string>
  /** Absolute form of a path. */
  resolve(...parts: readonly string[]): string
}

export interface Host {
  /** Name of this machine (or simulated one), for logs and contexts. */
  readonly name: string
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly net: Net
  readonly http: Http
  readonly files: Files
  /**
   * Milliseconds that this event loop has been at work, all told: the rest of the time it had nothing to do.
   * Where time stands still while code runs, 0 for ever.
   */
  loopBusyMs(): number
  /** CRC-32 (IEEE) of bytes. */
  checksum(bytes: Uint8Array): number
  /** Cryptographic digest of bytes: 16, 20 or 32 bytes long. */
  digest(algorithm: DigestAlgorithm, bytes: Uint8Array): Uint8Array
  /** Writes a line for the user (stdout). Used by printSink and the command line only. */
  print(line: string): void
  /**
   * Brackets a call into user code that went asynchronous. In virtual time the clock does not run away
   * while such calls wait for the real world; in production it does nothing.
   */
  userCallBegan(): void
  userCallEnded(): void
}
