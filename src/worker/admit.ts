/**
 * What is done to values before they are emitted, as the settings ask: validated, sent through the codec,
 * frozen.
 */
import { UserCodeError } from '../base/errors.ts'
import type { TopologySettings } from '../config/settings.ts'
import type { StreamRef } from '../flow/route/stream-ref.ts'
import type { AnyValues } from '../topology/tuple.ts'
import { ByteReader } from '../wire/byte-reader.ts'
import { ByteWriter } from '../wire/byte-writer.ts'
import { compileRowCodec, type RowCodec } from '../wire/row-codec.ts'

export type Admit = (ref: StreamRef, values: AnyValues) => AnyValues

/** undefined: nothing is asked, so nothing is called. */
export function makeAdmit(settings: TopologySettings, isDev: boolean): Admit | undefined {
  const steps: Admit[] = []
  if (settings.validate === 'edges') steps.push(validate)
  if (settings.testingAlwaysTrySerialize) steps.push(makeRoundTrip())
  if (isFreezing(settings, isDev)) steps.push((_ref, values) => freezeDeeply(values, 0))
  if (steps.length === 0) return undefined
  return (ref, values) => steps.reduce((given, step) => step(ref, given), values)
}

/** Values of tuples are frozen deeply, so that writing to them throws. */
export function isFreezing(settings: TopologySettings, isDev: boolean): boolean {
  return settings.freezeTuples === 'always' || (settings.freezeTuples === 'dev' && isDev)
}

/**
 * The same for what a source emits: schemas of the user's own are run there, whatever `validate` says. The
 * kinds of `fields({…})` alone are not checked twice: types say them, and the wire does. `schemas`: of its
 * streams.
 */
export function makeSourceAdmit(
  admit: Admit | undefined,
  settings: TopologySettings,
  schemas: readonly StreamRef['schema'][],
): Admit | undefined {
  const isChecked = schemas.some(
    (schema) => !schema.carriesValue && schema.shapes.some(({ kind }) => kind === 'value'),
  )
  if (settings.validate !== 'sources' || !isChecked) return admit
  return (ref, values) => {
    validate(ref, values)
    return admit === undefined ? values : admit(ref, values)
  }
}

function validate(ref: StreamRef, values: AnyValues): AnyValues {
  const issue = ref.schema.validate(values)
  if (issue === undefined) return values
  throw new UserCodeError(
    'VALUE_INVALID',
    `${ref.componentId} emitted to "${ref.streamId}" what its schema refuses: ${issue}`,
    { component: ref.componentId, stream: ref.streamId },
  )
}

function makeRoundTrip(): Admit {
  const codecs = new Map<StreamRef, RowCodec>()
  const writer = new ByteWriter()
  const reader = new ByteReader()
  return (ref, values) => {
    let codec = codecs.get(ref)
    if (codec === undefined) {
      codec = compileRowCodec(ref.schema, `${ref.componentId}:${ref.streamId}`)
      codecs.set(ref, codec)
    }
    writer.rollBack(0)
    codec.encode(writer, values)
    return codec.decode(reader.open(writer.copy()))
  }
}

/** Deeper values than the codec takes are left as they are. */
const DEPTH_MAX = 1_000

/** Freezes plain data all the way down. Bytes cannot be frozen; dates, maps and sets only on the outside. */
export function freezeDeeply<T>(value: T, depth: number): T {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return value
  if (ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) freezeDeeply(part, depth + 1)
  return value
}
