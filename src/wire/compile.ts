/**
 * Row codecs as generated code: one function per schema, its fields spelled out.
 *
 * Route:   row-codec.ts asks for it; where a process forbids code from text, closures serve instead.
 * Touches: nothing outside.
 *
 * The only place of the house that makes code from text. Why: a literal with the fields in it is made in one
 * go and every tuple of a stream has one shape for V8; bench/wire.bench.ts says what that is worth (`row`).
 *
 * Safety: the text is made of fixed pieces, of numbers counted here, and of field names through
 * JSON.stringify, which yields a string literal of JavaScript for any string (line and paragraph separators
 * are legal in literals). Nothing that comes over the network gets here: schemas are part of the topology's
 * own code.
 */
import type { FieldShape } from '../topology/definition.ts'
import { TEXT_HEAD_BYTES_MAX } from './field-codec.ts'
import type { RowCodec, RowPlan } from './row-plan.ts'

type Make = (
  codecs: RowPlan['codecs'],
  refuse: RowPlan['refuse'],
  refuseRow: RowPlan['refuseRow'],
) => RowCodec

/** undefined: this process forbids it (`--disallow-code-generation-from-strings`). */
export function generateRowCodec(plan: RowPlan): RowCodec | undefined {
  const source = rowCodecSource(plan.shapes)
  try {
    const make: Make = Object(new Function('codecs', 'refuse', 'refuseRow', source))
    return make(plan.codecs, plan.refuse, plan.refuseRow)
  } catch (error) {
    if (error instanceof EvalError) return undefined
    throw error
  }
}

/** The body of a function that makes the codec. Exported for its test. */
export function rowCodecSource(shapes: readonly FieldShape[]): string {
  const nullable = shapes.filter((shape) => shape.nullable)
  const nullBytes = (nullable.length + 7) >> 3
  const codecs = shapes.map((_, index) => `const c${index} = codecs[${index}]\n`).join('')
  const zeros = 'w.byte(0);'.repeat(nullBytes)
  const bits = counting(nullBytes, (index) => `let n${index} = 0;`)
  const patches = counting(nullBytes, (index) => `w.bytes[mark + ${index}] = n${index};`)
  const reads = counting(nullBytes, (index) => `const n${index} = r.byte();`)
  return `'use strict'
${codecs}return {
  encode(w, v) {
    if (typeof v !== 'object' || v === null) refuseRow(v)
    const mark = w.position
    try {
      ${zeros}${bits}
${shapes.map((shape, index) => writeField(shape, index, nullable.indexOf(shape))).join('')}      ${patches}
    } catch (error) {
      w.rollBack(mark)
      throw error
    }
  },
  sizeMost(v) {
    if (typeof v !== 'object' || v === null) return -1
    let size = ${nullBytes}
${shapes.map((shape, index) => sizeField(shape, index)).join('')}    return size
  },
  decode(r) {
    ${reads}
${shapes.map((shape, index) => readField(shape, index, nullable.indexOf(shape))).join('')}    return {
${shapes.map((shape, index) => `      ${literalKey(shape.name)}: a${index},\n`).join('')}    }
  },
}`
}

function writeField(shape: FieldShape, index: number, nullIndex: number): string {
  const a = `a${index}`
  const body = shape.list
    ? `if (!c${index}.tryWrite(w, ${a})) refuse(${index}, ${a})`
    : writeScalar(shape, index)
  const bit = `n${nullIndex >> 3} |= ${1 << (nullIndex & 7)}`
  const guarded = shape.nullable ? `if (${a} === null) ${bit}; else { ${body} }` : body
  return `      const ${a} = v[${JSON.stringify(shape.name)}]; ${guarded}\n`
}

function writeScalar(shape: FieldShape, index: number): string {
  const a = `a${index}`
  const refuse = `refuse(${index}, ${a});`
  switch (shape.kind) {
    case 'string':
      return `if (typeof ${a} !== 'string') ${refuse} w.text(${a})`
    case 'int':
      return `if (!Number.isSafeInteger(${a})) ${refuse} w.int(${a})`
    case 'number':
      return `if (typeof ${a} !== 'number') ${refuse} w.float(${a})`
    default:
      return `if (!c${index}.tryWrite(w, ${a})) ${refuse}`
  }
}

function sizeField(shape: FieldShape, index: number): string {
  const a = `a${index}`
  const known = shape.list ? undefined : sizeScalar(shape, a)
  const size = known ?? `const s = c${index}.sizeMost(${a}); if (s < 0) return -1; size += s`
  const guarded = shape.nullable ? `if (${a} !== null) { ${size} }` : `{ ${size} }`
  return `    const ${a} = v[${JSON.stringify(shape.name)}]; ${guarded}\n`
}

function sizeScalar(shape: FieldShape, a: string): string | undefined {
  switch (shape.kind) {
    case 'string':
      return `if (typeof ${a} !== 'string') return -1; size += 3 * ${a}.length + ${TEXT_HEAD_BYTES_MAX}`
    case 'int':
      return `if (!Number.isSafeInteger(${a})) return -1; size += 8`
    case 'number':
      return `if (typeof ${a} !== 'number') return -1; size += 8`
    default:
      return undefined
  }
}

function readField(shape: FieldShape, index: number, nullIndex: number): string {
  const read = shape.list ? `c${index}.read(r)` : readScalar(shape, index)
  const isNull = `(n${nullIndex >> 3} & ${1 << (nullIndex & 7)}) !== 0`
  return `    const a${index} = ${shape.nullable ? `${isNull} ? null : ${read}` : read}\n`
}

function readScalar(shape: FieldShape, index: number): string {
  switch (shape.kind) {
    case 'string':
      return 'r.text()'
    case 'int':
      return 'r.int()'
    case 'number':
      return 'r.float()'
    default:
      return `c${index}.read(r)`
  }
}

/** In a literal, `"__proto__": x` sets the prototype; the computed form makes a field of that name. */
function literalKey(name: string): string {
  return name === '__proto__' ? '["__proto__"]' : JSON.stringify(name)
}

function counting(count: number, piece: (index: number) => string): string {
  let text = ''
  for (let index = 0; index < count; index++) text += piece(index)
  return text
}
