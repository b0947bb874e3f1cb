/**
 * The fields of one record of comma-separated values, and back (RFC 4180).
 *
 *   plain,"with, comma","with ""quotes""",
 *
 * A field that begins with a double quote ends with one; inside, two stand for one. Nothing may stand beside
 * quotes.
 */
import { InvalidRecordError } from './read/record-decoder.ts'

/** @throws InvalidRecordError a quote that is not closed, or stands where it may not */
export function parseCsvRecord(text: string, separator: string): string[] {
  // Most records have no quotes at all.
  if (!text.includes('"')) return text.split(separator)
  const found: string[] = []
  let at = 0
  for (;;) {
    if (text.startsWith('"', at)) {
      const end = closingQuote(text, at + 1)
      found.push(text.slice(at + 1, end).replaceAll('""', '"'))
      at = end + 1
      if (at === text.length) return found
      if (!text.startsWith(separator, at)) {
        throw new InvalidRecordError(`there is more behind the closing quote of field ${found.length}`)
      }
    } else {
      const next = text.indexOf(separator, at)
      const field = next < 0 ? text.slice(at) : text.slice(at, next)
      if (field.includes('"'))
        throw new InvalidRecordError(`there is a quote within field ${found.length + 1}`)
      found.push(field)
      if (next < 0) return found
      at = next
    }
    at += separator.length
  }
}

function closingQuote(text: string, from: number): number {
  let at = from
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) throw new InvalidRecordError('a quote is not closed')
    if (text.charAt(quote + 1) !== '"') return quote
    at = quote + 2
  }
}

/** One field as it stands in a file: quoted where it must be. */
export function csvField(text: string, separator: string): string {
  const needsQuotes = text.includes('"') || text.includes(separator) || /[\r\n]/.test(text)
  return needsQuotes ? `"${text.replaceAll('"', '""')}"` : text
}
