/** Pieces that several routes are described with. */
import { z } from 'zod'
import type { ErrorCode } from '../../base/error-codes.ts'
import type { Details } from '../../base/errors.ts'
import type { BlobRef } from '../../cluster/records.ts'
import type { Json } from '../../topology/describe/document.ts'

/**
 * A value that may be undefined: JSON leaves it out. The transform changes nothing but the type, which
 * then has the key in any case, as our interfaces have it.
 */
export function maybe<T extends z.ZodType>(schema: T) {
  return schema.optional().transform((value): z.output<T> | undefined => value)
}

/** Plain JSON: the dispatcher has looked at its depth and names. */
export const json: z.ZodType<Json> = z.custom<Json>((value) => value !== undefined)

/**
 * Of topologies, nodes, components: no control characters, no separators. What it must be else, Nimbus
 * knows.
 */
export const plainName = z
  .string()
  .min(1)
  .max(300)
  .regex(/^[^\p{Cc}/\\]+$/u, 'no slashes and no control characters')

export const digest = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in small hexadecimal letters')

export const count = z.int().min(0)
export const positive = z.int().min(1)
/** JSON has no word for what is not a number (a quantile of nothing), and says null. */
export const figure = z.number().or(z.null().transform(() => Number.NaN))
export const nameOrEmpty = z.string().max(300)
export const line = z.string().max(64 * 1024)

/** A whole number in a query. */
export function countText(max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'a whole number')
    .transform(Number)
    .pipe(z.int().max(max))
}

export const blobRef: z.ZodType<BlobRef> = z.object({ digest, sizeBytes: count })

/** How many of each, by component. */
export const counts = z.record(plainName, positive)

/** Codes of later versions pass: `typhoon explain` and tables say what they know. */
export const code = z.custom<ErrorCode>((value) => typeof value === 'string' && value !== '')
export const family = z.enum(['usage', 'unavailable', 'conflict', 'format', 'user-code'])
export const details: z.ZodType<Details> = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean()]),
)
