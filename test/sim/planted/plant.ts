/** Puts a bug into a class from outside, and takes it out again. */
import type { SimOptions } from '../simulation.ts'

/** A bug, and where it is looked for. */
export interface Planted {
  readonly name: string
  /** Puts it in. @returns takes it out */
  plant(): () => void
  /** Where it shows. Default: the pinned seeds. */
  readonly scenario?: SimOptions
  /** What a check must say about it, as the beginning of a violation without its time. */
  readonly told: RegExp
}

/** Any object with methods: prototypes of classes. */
interface Holder {
  [name: string]: unknown
}

/**
 * Replaces a method of a prototype. `make` gets the original.
 * A method that is gone is an error: the bug would never be planted, and its test would say nothing.
 */
export function replaced(prototype: object, name: string, make: (original: Call) => Call): () => void {
  const holder = prototype as Holder
  const original = holder[name]
  if (typeof original !== 'function')
    throw new Error(`there is no method ${name} any more: plant the bug elsewhere`)
  holder[name] = make(original as Call)
  return () => {
    holder[name] = original
  }
}

/** A method as a function of its object: bugs reach into private parts. */
export type Call = (this: Parts, ...args: unknown[]) => unknown

// biome-ignore lint/suspicious/noExplicitAny: a planted bug reads and writes private parts of any class
export type Parts = any
