/** Lines of text files as a source. */
import type { StreamSchema } from '../../topology/definition.ts'
import { fields } from '../../topology/schema/fields.ts'
import { streamSchemaOf } from '../../topology/schema/stream-schema.ts'
import type { Source } from '../../topology/spout.ts'
import { type FileSourceOptions, fileSource } from './file-source.ts'
import { type RecordDecoder, StrictText } from './read/record-decoder.ts'

/** Texts in the one field `value`, of a known kind: the most compact encoding. */
function linesSchema(): StreamSchema {
  const { names, shapes, validate } = streamSchemaOf(fields({ value: 'string' }))
  return { names, shapes, validate: (values) => validate(values), carriesValue: true }
}

/**
 * Lines of text files, without line ends; `\r\n` too; gzip by name (`.gz`). A byte order mark is left out. A
 * line that is no valid UTF-8 is SOURCE_RECORD_INVALID, and one longer than `recordMax` FRAME_TOO_LARGE: the
 * source stops there.
 * @param path a file, a pattern (`logs/*.log`), or several
 */
export function textLines(
  path: string | readonly string[],
  options: FileSourceOptions<string> = {},
): Source<string, 'replayable'> {
  const output = linesSchema()
  const form = () => ({ decoder: new LineDecoder(), isQuoted: false })
  // Not of its options, whoever put it there: a line that is left out is noticed by nobody.
  return fileSource({ maker: 'textLines', path, options: { ...options, onInvalid: 'fail' }, output, form })
}

class LineDecoder implements RecordDecoder {
  private readonly text = new StrictText()

  /** HOT. */
  decode(bytes: Uint8Array, from: number, to: number): unknown {
    return { value: this.text.decode(bytes, from, to) }
  }
}
