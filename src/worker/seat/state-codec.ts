/**
 * One key's state as bytes. Layout in state-file.ts.
 */
import type { KeyedEntry, MapPart, StatePart } from '../../state/state-entry.ts'
import type { ByteReader } from '../../wire/byte-reader.ts'
import type { ByteWriter } from '../../wire/byte-writer.ts'
import { malformed } from '../../wire/malformed.ts'
import { readValue } from '../../wire/value-reader.ts'
import { ValueWriter } from '../../wire/value-writer.ts'

const PartTag = { VALUE: 1, MAP: 2, LIST: 3, TIMER: 4 } as const

export class EntryWriter {
  private readonly values = new ValueWriter()
  private readonly writer: ByteWriter

  constructor(writer: ByteWriter) {
    this.writer = writer
  }

  write(entry: KeyedEntry): void {
    this.value(entry.key, 'key')
    this.writer.unsigned(entry.parts.length)
    for (const part of entry.parts) this.part(part)
  }

  private part(part: StatePart): void {
    const { writer } = this
    if (part.kind === 'value') {
      writer.byte(PartTag.VALUE)
      writer.text(part.name)
      writer.unsigned(part.version)
      writer.float(part.usedMs)
      this.value(part.value, part.name)
    } else if (part.kind === 'map') {
      writer.byte(PartTag.MAP)
      writer.text(part.name)
      writer.unsigned(part.entries.length)
      for (const each of part.entries) this.mapEntry(part.name, each)
    } else if (part.kind === 'list') {
      writer.byte(PartTag.LIST)
      writer.text(part.name)
      writer.unsigned(part.version)
      writer.unsigned(part.values.length)
      for (const each of part.values) this.value(each, part.name)
      writer.unsigned(part.usedMs.length)
      for (const each of part.usedMs) writer.float(each)
    } else {
      writer.byte(PartTag.TIMER)
      writer.text(part.name)
      writer.float(part.timeMs)
    }
  }

  private mapEntry(name: string, { key, value, version, usedMs }: MapPart): void {
    this.value(key, name)
    this.writer.unsigned(version)
    this.writer.float(usedMs)
    this.value(value, name)
  }

  private value(value: unknown, place: string): void {
    this.values.write(this.writer, value, place)
  }
}

/** @throws FormatError FRAME_MALFORMED */
export function readEntry(reader: ByteReader): KeyedEntry {
  const key = readValue(reader)
  const parts: StatePart[] = []
  for (let left = reader.count(2); left > 0; left -= 1) parts.push(readPart(reader))
  return { key, parts }
}

function readPart(reader: ByteReader): StatePart {
  const tag = reader.byte()
  const name = reader.text()
  switch (tag) {
    case PartTag.VALUE: {
      const version = reader.unsigned()
      const usedMs = reader.float()
      return { kind: 'value', name, version, usedMs, value: readValue(reader) }
    }
    case PartTag.MAP: {
      const entries: MapPart[] = []
      for (let left = reader.count(3); left > 0; left -= 1) {
        const key = readValue(reader)
        const version = reader.unsigned()
        const usedMs = reader.float()
        entries.push({ key, value: readValue(reader), version, usedMs })
      }
      return { kind: 'map', name, entries }
    }
    case PartTag.LIST: {
      const version = reader.unsigned()
      const values: unknown[] = []
      for (let left = reader.count(1); left > 0; left -= 1) values.push(readValue(reader))
      const usedMs: number[] = []
      for (let left = reader.count(8); left > 0; left -= 1) usedMs.push(reader.float())
      return { kind: 'list', name, version, values, usedMs }
    }
    case PartTag.TIMER:
      return { kind: 'timer', name, timeMs: reader.float() }
    default:
      malformed(`a part of state of kind ${tag}`)
  }
}
