/** One part of a key. */
export type KeyPart = string | number | bigint | boolean

/** What state can be kept by: a text, a number, a boolean, or a short list of them. Compared by value. */
export type Key = KeyPart | readonly KeyPart[]

/**
 * What the editor shows where a type holds something that can neither be sent nor stored. No value has this
 * type.
 */
export interface NotEncodable<Why extends string> {
  readonly '~notEncodable': Why
}

/**
 * `T`, if everything in it can be sent to another worker and kept in state; else `T` with `NotEncodable` in
 * the place of the trouble. Encodable are: null, undefined, booleans, numbers, bigints, texts, dates, byte
 * arrays, and lists, plain objects, maps and sets of them. Class instances lose their class, so a type with
 * methods is refused.
 */
export type Encodable<T> = T extends string | number | boolean | bigint | null | undefined | Uint8Array | Date
  ? T
  : T extends (...args: never) => unknown
    ? NotEncodable<'a function cannot be sent or stored'>
    : T extends symbol
      ? NotEncodable<'a symbol cannot be sent or stored'>
      : T extends PromiseLike<unknown>
        ? NotEncodable<'a promise cannot be sent or stored: await it first'>
        : T extends ReadonlyMap<infer K, infer V>
          ? [K, V] extends [Encodable<K>, Encodable<V>]
            ? T
            : NotEncodable<'this map holds what cannot be sent or stored'>
          : T extends ReadonlySet<infer V>
            ? [V] extends [Encodable<V>]
              ? T
              : NotEncodable<'this set holds what cannot be sent or stored'>
            : T extends object
              ? { [N in keyof T]: Encodable<T[N]> }
              : T

/** `Made` if `T` is encodable; else an explanation that no parameter accepts. */
export type IfEncodable<T, Made> = [T] extends [Encodable<T>]
  ? Made
  : NotEncodable<'only plain data can be sent or stored: no functions, symbols, promises, methods'>
