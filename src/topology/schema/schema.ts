/**
 * Anything that checks a value and gives it back typed: a Standard Schema (zod, valibot, arktype …), or
 * `fields({…})`. `V` is what comes out.
 */
export interface Schema<out V> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<V> | Promise<SchemaResult<V>>
    readonly types?: { readonly input: unknown; readonly output: V } | undefined
  }
}

/** The type that comes out of a schema: `type Word = Infer<typeof Word>`. */
export type Infer<S extends Schema<unknown>> = S extends Schema<infer V> ? V : never

/** What a schema says of a value: the value, or what is wrong with it. */
export type SchemaResult<V> =
  | { readonly value: V; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** One thing wrong with a value. `path` leads to it. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a source does with a record that cannot be decoded or does not fit its schema. */
export type InvalidAction = 'fail' | 'skip' | 'dead-letter'

/**
 * How the bytes of a record become an item: as text, as they are, as JSON checked by a schema, or by a
 * function of yours.
 * @throws (the function) anything: the record is invalid
 */
export type Decoder<V = unknown> = 'text' | 'bytes' | Schema<V> | ((bytes: Uint8Array) => V)

/** What a decoder makes. */
export type Decoded<D> = D extends 'text'
  ? string
  : D extends 'bytes'
    ? Uint8Array
    : D extends Schema<infer V>
      ? V
      : D extends (bytes: Uint8Array) => infer V
        ? V
        : never
