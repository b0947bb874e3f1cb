/** What a worker's main sees of its process: environment, errors nobody caught, its end. */

import { writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

const STDERR = 2

export interface WorkerSurroundings {
  /** A variable, which is not in the environment afterwards: user code runs here. */
  take(name: string): string | undefined
  /** The field `address` of a file of JSON. undefined: it is not there, or not whole. */
  addressIn(path: string): Promise<string | undefined>
  onUncaught(listener: (error: unknown, kind: 'thrown' | 'rejected') => void): void
  /** A line on stderr, written when it returns. */
  complain(line: string): void
  exit(code: number): void
}

export function nodeWorkerSurroundings(): WorkerSurroundings {
  return {
    take(name) {
      const value = process.env[name]
      delete process.env[name]
      return value
    },

    async addressIn(path) {
      try {
        const { address }: { readonly address?: unknown } = JSON.parse(await readFile(path, 'utf8'))
        return typeof address === 'string' ? address : undefined
      } catch {
        return undefined
      }
    },

    onUncaught(listener) {
      process.on('uncaughtException', (error) => listener(error, 'thrown'))
      process.on('unhandledRejection', (reason) => listener(reason, 'rejected'))
    },

    complain(line) {
      try {
        writeSync(STDERR, `${line}\n`)
      } catch {
        // Nobody reads it, or the disk is full: there is nowhere else to say so.
      }
    },

    exit(code) {
      process.exit(code)
    },
  }
}
