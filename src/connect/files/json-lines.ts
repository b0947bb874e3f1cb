/** One JSON value per line, as a source. */
import type { Schema, SchemaResult } from '../../topology/schema/schema.ts'
import { issuesOf, streamSchemaOf, VALUE_FIELD } from '../../topology/schema/stream-schema.ts'
import type { Source } from '../../topology/spout.ts'
import { type DecodingFileOptions, fileSource } from './file-source.ts'
import { InvalidRecordError, NO_RECORD, type RecordDecoder, StrictText } from './read/record-decoder.ts'

/** One JSON value per line, checked by `schema`. Blank lines are left out. */
export function jsonLines<T>(
  path: string | readonly string[],
  options: DecodingFileOptions<T> & { readonly schema: Schema<T> },
): Source<T, 'replayable'> {
  const { schema, ...rest } = options
  const output = streamSchemaOf(schema)
  const carriesValue = output.carriesValue === true
  const form = () => ({ decoder: new JsonDecoder(schema, carriesValue), isQuoted: false })
  return fileSource({ maker: 'jsonLines', path, options: rest, output, form })
}

class JsonDecoder implements RecordDecoder {
  private readonly text = new StrictText()
  private readonly schema: Schema<unknown>
  private readonly carriesValue: boolean

  constructor(schema: Schema<unknown>, carriesValue: boolean) {
    this.schema = schema
    this.carriesValue = carriesValue
  }

  decode(bytes: Uint8Array, from: number, to: number): unknown {
    const line = this.text.decode(bytes, from, to)
    const value = parsed(line)
    if (value === NO_RECORD) return NO_RECORD
    const result = this.schema['~standard'].validate(value)
    return result instanceof Promise ? this.later(result) : this.valuesOf(result)
  }

  private async later(result: Promise<SchemaResult<unknown>>): Promise<unknown> {
    return this.valuesOf(await result)
  }

  private valuesOf(result: SchemaResult<unknown>): unknown {
    const issues = issuesOf(result)
    if (issues !== undefined || result.issues !== undefined) throw new InvalidRecordError(issues ?? '')
    return this.carriesValue ? { [VALUE_FIELD]: result.value } : result.value
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (line.trim() === '') return NO_RECORD
    // What the platform says may show parts of the line, which may be anything.
    throw new InvalidRecordError('it is no JSON', { cause: error })
  }
}
