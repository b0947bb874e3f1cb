/**
 * `typhoon/files`: files as sources and sinks.
 *
 * Sources read files that only grow. Each file is a partition, its position the byte after the last whole
 * record, so they are replayable. A file that became shorter, or whose beginning changed, is FILE_CHANGED.
 *
 * Sinks never show half a result: under `exactly-once` what a reader sees is what checkpoints have
 * committed.
 */
export { csvRows } from './csv-rows.ts'
export { fileSink, type PartFileOptions, type Rotation } from './file-sink.ts'
export type { DecodingFileOptions, FileSourceOptions } from './file-source.ts'
export { jsonLines } from './json-lines.ts'
export { csvFormat, jsonFormat, type RecordFormat, textFormat } from './record-format.ts'
export { jsonFileSink, type SingleFileOptions, textFileSink } from './single-file-sink.ts'
export { textLines } from './text-lines.ts'
