/**
 * Values that come from a checkpoint or from an older version of the code: checked, and migrated when first
 * read.
 */
import { UserCodeError } from '../base/errors.ts'
import type { NamedSpec } from './state-spec.ts'

/**
 * A value of today out of one of `fromVersion`.
 * @throws UserCodeError STATE_MIGRATION_FAILED migrate threw, or gave what the schema refuses
 */
export function migrated(spec: NamedSpec, value: unknown, fromVersion: number, key: unknown): unknown {
  if (fromVersion === spec.version) return value
  const migrate = spec.migrate
  if (migrate === undefined) throw failed(spec, fromVersion, key, 'there is no migrate', undefined)
  let made: unknown
  try {
    made = migrate(value, fromVersion)
  } catch (error) {
    throw failed(spec, fromVersion, key, 'migrate threw', error)
  }
  return checked(spec, made, fromVersion, key)
}

/**
 * The value as its schema gives it back; without a schema, the value.
 * @throws UserCodeError STATE_MIGRATION_FAILED the schema refuses it, or cannot answer at once
 */
export function checked(spec: NamedSpec, value: unknown, fromVersion: number, key: unknown): unknown {
  const schema = spec.schema
  if (schema === undefined) return value
  const result: unknown = schema['~standard'].validate(value)
  if (typeof result !== 'object' || result === null || 'then' in result) {
    throw failed(spec, fromVersion, key, 'its schema answers with a promise', undefined)
  }
  if ('issues' in result && result.issues !== undefined) {
    throw failed(spec, fromVersion, key, `its schema refuses it: ${issuesText(result.issues)}`, undefined)
  }
  return 'value' in result ? result.value : value
}

function issuesText(issues: unknown): string {
  if (!Array.isArray(issues)) return String(issues)
  return issues
    .map((issue: unknown) =>
      typeof issue === 'object' && issue !== null && 'message' in issue
        ? String(issue.message)
        : String(issue),
    )
    .join('; ')
}

function failed(
  spec: NamedSpec,
  fromVersion: number,
  key: unknown,
  why: string,
  cause: unknown,
): UserCodeError {
  const details = { state: spec.name, fromVersion, version: spec.version, key: String(key) }
  const versions = `version ${fromVersion} of ${spec.version}`
  const message = `state ${spec.name} of key ${String(key)}, ${versions}: ${why}`
  return new UserCodeError(
    'STATE_MIGRATION_FAILED',
    message,
    details,
    cause === undefined ? undefined : { cause },
  )
}
