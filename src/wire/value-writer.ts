/**
 * Writes any encodable value so that the reader gets the same one back, by `Object.is` down to the leaves.
 *
 * Route:   row-codec.ts (fields of kind `value`) → [here] → ByteWriter.
 * Touches: nothing outside. Layout: value-tags.ts. Reader: value-reader.ts.
 *
 * What cannot be carried exactly is refused with the path to it: functions, symbols, promises, objects with
 * methods, cycles, arrays with holes, nests of more than VALUE_DEPTH_MAX. Class instances without methods
 * become plain objects, a Buffer becomes a Uint8Array, names set on an array beside its elements stay behind.
 *
 * Invariants
 *   V1  A value that was refused leaves the writer where it was.
 */
import { UsageError } from '../base/errors.ts'
import type { ByteWriter } from './byte-writer.ts'
import { Tag, VALUE_DEPTH_MAX } from './value-tags.ts'

// Looking for oneself among one's ancestors costs, so only nests this deep do: nearly none is, and a cycle
// gets here soon enough.
const CYCLE_CHECK_DEPTH = 24

export class ValueWriter {
  // The way from the value given to the one in hand: what is entered at each depth, and by which name. Only
  // the path of an error and the search for cycles read them.
  private readonly keys: unknown[] = []
  private readonly ancestors: object[] = []

  /**
   * `place` names the value in an error, for example `words.count`.
   * @throws UsageError VALUE_NOT_ENCODABLE naming the path
   */
  write(writer: ByteWriter, value: unknown, place: string): void {
    const mark = writer.position
    try {
      this.any(writer, value, 0)
    } catch (error) {
      writer.rollBack(mark)
      if (error instanceof Refusal) throw this.refused(error, place)
      throw error
    } finally {
      if (this.ancestors.length > 0) this.ancestors.length = 0
    }
  }

  /** HOT. Bench: bench/wire.bench.ts. */
  private any(writer: ByteWriter, value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        writer.byte(Tag.TEXT)
        writer.text(value)
        return
      case 'number':
        writeNumber(writer, value)
        return
      case 'boolean':
        writer.byte(value ? Tag.TRUE : Tag.FALSE)
        return
      case 'undefined':
        writer.byte(Tag.UNDEFINED)
        return
      case 'bigint':
        writer.byte(Tag.BIGINT)
        writer.bigint(value)
        return
      case 'object':
        if (value === null) writer.byte(Tag.NULL)
        else this.object(writer, value, depth)
        return
      default:
        throw new Refusal(depth, `a ${typeof value}`)
    }
  }

  private object(writer: ByteWriter, value: object, depth: number): void {
    if (depth >= VALUE_DEPTH_MAX) throw new Refusal(depth, `nested deeper than ${VALUE_DEPTH_MAX}`)
    if (depth >= CYCLE_CHECK_DEPTH && this.isAncestor(value, depth))
      throw new Refusal(depth, 'part of a cycle')
    this.ancestors[depth] = value
    if (Array.isArray(value)) {
      this.array(writer, value, depth)
      return
    }
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype) this.plain(writer, value, depth, Tag.OBJECT)
    else if (prototype === null) this.plain(writer, value, depth, Tag.BARE_OBJECT)
    else this.builtIn(writer, value, depth)
  }

  private builtIn(writer: ByteWriter, value: object, depth: number): void {
    if (value instanceof Uint8Array) {
      writer.byte(Tag.BYTES)
      writer.blob(value)
    } else if (value instanceof Date) {
      writer.byte(Tag.DATE)
      writer.float(value.getTime())
    } else if (value instanceof Map) {
      this.map(writer, value, depth)
    } else if (value instanceof Set) {
      writer.byte(Tag.SET)
      writer.unsigned(value.size)
      let index = 0
      for (const entry of value) {
        this.keys[depth] = index++
        this.any(writer, entry, depth + 1)
      }
    } else {
      const why = whyNotPlain(value)
      if (why !== undefined) throw new Refusal(depth, why)
      this.plain(writer, value, depth, Tag.OBJECT)
    }
  }

  private array(writer: ByteWriter, value: readonly unknown[], depth: number): void {
    writer.byte(Tag.ARRAY)
    writer.unsigned(value.length)
    for (let index = 0; index < value.length; index++) {
      this.keys[depth] = index
      const element = value[index]
      if (element === undefined && !(index in value)) throw new Refusal(depth + 1, 'a hole of an array')
      this.any(writer, element, depth + 1)
    }
  }

  private map(writer: ByteWriter, value: ReadonlyMap<unknown, unknown>, depth: number): void {
    writer.byte(Tag.MAP)
    writer.unsigned(value.size)
    for (const [key, entry] of value) {
      this.keys[depth] = key
      this.any(writer, key, depth + 1)
      this.any(writer, entry, depth + 1)
    }
  }

  private plain(writer: ByteWriter, value: object, depth: number, tag: number): void {
    const names = Object.keys(value)
    const entries: Record<string, unknown> = Object(value)
    writer.byte(tag)
    writer.unsigned(names.length)
    for (const name of names) {
      this.keys[depth] = name
      writer.text(name)
      this.any(writer, entries[name], depth + 1)
    }
    if (Object.getOwnPropertySymbols(value).length > 0) {
      throw new Refusal(depth, 'an object with a symbol as a name')
    }
  }

  private isAncestor(value: object, depth: number): boolean {
    for (let above = 0; above < depth; above++) if (this.ancestors[above] === value) return true
    return false
  }

  private refused(refusal: Refusal, place: string): UsageError {
    let path = place
    for (let depth = 0; depth < refusal.depth && path.length < PATH_LENGTH_MAX; depth++) {
      const key = this.keys[depth]
      path += typeof key === 'string' ? `.${key}` : `[${typeof key === 'number' ? key : typeof key}]`
    }
    return new UsageError('VALUE_NOT_ENCODABLE', `${path} cannot be sent: it is ${refusal.why}`, { path })
  }
}

const PATH_LENGTH_MAX = 200

/** How a value says no on its way up through the nest; never leaves this file. */
class Refusal extends Error {
  readonly depth: number
  readonly why: string

  constructor(depth: number, why: string) {
    super(why)
    this.depth = depth
    this.why = why
  }
}

function writeNumber(writer: ByteWriter, value: number): void {
  if ((value & Tag.SMALL_INT_MAX) === value && (value !== 0 || 1 / value > 0)) {
    writer.byte(value)
  } else if (Number.isSafeInteger(value)) {
    writer.byte(Tag.INT)
    writer.int(value)
  } else {
    writer.byte(Tag.FLOAT)
    writer.float(value)
  }
}

/** Why an instance of a class is no plain data, undefined if it is: its class brings no methods. */
function whyNotPlain(value: object): string | undefined {
  const name = classNameOf(value)
  for (let up: unknown = Object.getPrototypeOf(value); typeof up === 'object' && up !== null; ) {
    const above: unknown = Object.getPrototypeOf(up)
    // The end of the chain: Object.prototype, of this realm or of another.
    if (above === null && Object.hasOwn(up, 'isPrototypeOf')) return undefined
    const own = Reflect.ownKeys(up)
    if (own.some((key) => key !== 'constructor')) return `${name}, which has methods`
    up = above
  }
  return undefined
}

function classNameOf(value: object): string {
  return typeof value.constructor === 'function' && value.constructor.name !== ''
    ? `an instance of ${value.constructor.name}`
    : 'an object of a class'
}
