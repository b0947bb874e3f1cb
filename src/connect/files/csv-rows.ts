/** Rows of comma-separated values, as a source. */
import { UsageError } from '../../base/errors.ts'
import type { FieldShape } from '../../topology/definition.ts'
import type { Fields } from '../../topology/schema/fields.ts'
import { issuesOf, streamSchemaOf, validated } from '../../topology/schema/stream-schema.ts'
import type { Source } from '../../topology/spout.ts'
import { parseCsvRecord } from './csv-record.ts'
import { type DecodingFileOptions, fileSource } from './file-source.ts'
import { InvalidRecordError, NO_RECORD, type RecordDecoder, StrictText } from './read/record-decoder.ts'

/** What `csvRows` is given. */
export interface CsvRowsOptions<T> extends DecodingFileOptions<T> {
  readonly columns: Fields<T>
  readonly separator?: string
  readonly header?: boolean
}

/**
 * Comma-separated values (RFC 4180). Columns are taken by the names in the first line, or in order with
 * `header: false`. Blank lines are left out.
 *
 * Texts become what a column is declared as: numbers as JavaScript writes them, booleans `true` and `false`,
 * bytes the UTF-8 of the text; nothing is null where a column may be null. Columns that are lists have no
 * form in CSV.
 */
export function csvRows<T extends object>(
  path: string | readonly string[],
  options: CsvRowsOptions<T>,
): Source<T, 'replayable'> {
  const { columns, separator = ',', header = true, ...rest } = options
  if (separator.length !== 1 || separator === '"' || separator === '\n' || separator === '\r') {
    throw new UsageError(
      'CONFIG_INVALID_VALUE',
      'csvRows: separator must be one character, no quote, no line end',
    )
  }
  const output = streamSchemaOf(columns)
  const list = output.shapes.find((shape) => shape.list)
  if (list !== undefined) {
    throw new UsageError(
      'CONFIG_INVALID_VALUE',
      `csvRows: column ${list.name} is a list, which CSV cannot hold`,
    )
  }
  const form = () => {
    const decoder = new RowDecoder(columns, output.shapes, separator)
    if (!header) return { decoder, isQuoted: true }
    const onHeader = (bytes: Uint8Array, from: number, to: number): void =>
      decoder.readHeader(bytes, from, to)
    return { decoder, isQuoted: true, onHeader }
  }
  return fileSource<T>({ maker: 'csvRows', path, options: rest, output, form })
}

class RowDecoder implements RecordDecoder {
  private readonly text = new StrictText()
  private readonly columns: Fields<unknown>
  private readonly shapes: readonly FieldShape[]
  private readonly separator: string
  /** Where in a record each column stands. */
  private places: readonly number[]
  private fieldCount: number

  constructor(columns: Fields<unknown>, shapes: readonly FieldShape[], separator: string) {
    this.columns = columns
    this.shapes = shapes
    this.separator = separator
    this.places = shapes.map((_, index) => index)
    this.fieldCount = shapes.length
  }

  /** @throws UsageError CONFIG_INVALID_VALUE a column is not in the header, or twice */
  readHeader(bytes: Uint8Array, from: number, to: number): void {
    const names = parseCsvRecord(this.text.decode(bytes, from, to), this.separator)
    this.fieldCount = names.length
    this.places = this.shapes.map(({ name }) => {
      const place = names.indexOf(name)
      if (place < 0) throw headerError(`has no column ${name}; it has ${names.join(', ')}`)
      if (names.includes(name, place + 1)) throw headerError(`has column ${name} twice`)
      return place
    })
  }

  decode(bytes: Uint8Array, from: number, to: number): unknown {
    if (from === to) return NO_RECORD
    const found = parseCsvRecord(this.text.decode(bytes, from, to), this.separator)
    if (found.length !== this.fieldCount) {
      throw new InvalidRecordError(`it has ${found.length} fields, wanted ${this.fieldCount}`)
    }
    const pairs = this.shapes.map((shape, i) => [
      shape.name,
      cellValue(shape, found[this.places[i] ?? -1] ?? ''),
    ])
    const result = validated(this.columns, Object.fromEntries(pairs))
    const issues = issuesOf(result)
    if (issues !== undefined || result.issues !== undefined) throw new InvalidRecordError(issues ?? '')
    return result.value
  }
}

function headerError(why: string): UsageError {
  return new UsageError('CONFIG_INVALID_VALUE', `csvRows: the header ${why}`)
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** The value a text stands for. */
function cellValue(shape: FieldShape, text: string): unknown {
  if (text === '' && shape.nullable) return null
  switch (shape.kind) {
    case 'int':
    case 'number':
      return numberOf(shape, text)
    case 'bigint':
      if (!/^-?\d+$/.test(text)) throw noneOf(shape)
      return BigInt(text)
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw noneOf(shape)
      return text === 'true'
    case 'bytes':
      return new TextEncoder().encode(text)
    default:
      return text
  }
}

function numberOf(shape: FieldShape, text: string): number {
  if (NUMBER.test(text)) return Number(text)
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return Number(text)
  throw noneOf(shape)
}

function noneOf(shape: FieldShape): InvalidRecordError {
  return new InvalidRecordError(`${shape.name}: its text is no ${shape.kind}`)
}
