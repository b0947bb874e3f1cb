/**
 * `defineConfig`: the configuration file of a project, checked where it is written.
 *
 * Names of topologies and contexts are the user's; everything below them is known and checked. Paths are
 * not looked at: this touches no files.
 */
import { nearest } from '../base/nearest.ts'
import type { ProjectConfig } from './cluster-config.ts'
import { DURATION_WANTED, tryParseDuration } from './duration.ts'
import { contradiction, invalidValue, isPlainObject, NOWHERE, unknownKey } from './invalid.ts'
import { checkTopologyConfig } from './settings.ts'

/** Checks a member; `name` is the path to it. Throws if it does not fit. */
type Check = (value: unknown, name: string) => void
type Shape = Readonly<Record<string, Check>>

const PORT_MAX = 65_535
const WORKERS_MAX = 10_000

const text: Check = (value, name) => {
  if (typeof value !== 'string' || value === '') throw invalidValue(NOWHERE, name, value, 'text')
}

const boolean: Check = (value, name) => {
  if (typeof value !== 'boolean') throw invalidValue(NOWHERE, name, value, 'true or false')
}

const texts: Check = (value, name) => {
  if (!Array.isArray(value)) throw invalidValue(NOWHERE, name, value, 'a list of texts')
  for (const [index, item] of value.entries()) text(item, `${name}[${index}]`)
}

const address: Check = (value, name) => {
  for (const one of Array.isArray(value) && value.length > 0 ? value : [value]) {
    if (typeof one === 'string' && /^(\[[0-9a-fA-F:.]+\]|[^\s:/]+):\d{1,5}$/.test(one)) continue
    throw invalidValue(NOWHERE, name, one, "'host:port', or several")
  }
}

const duration: Check = (value, name) => {
  if (typeof value === 'string' && tryParseDuration(value) !== undefined) return
  throw invalidValue(NOWHERE, name, value, DURATION_WANTED)
}

function whole(min: number, max: number): Check {
  return (value, name) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return
    throw invalidValue(NOWHERE, name, value, `a whole number from ${min} to ${max}`)
  }
}

/** Known members only. Unset ones say nothing. */
function members(shape: Shape): Check {
  return (value, name) => {
    if (!isPlainObject(value)) throw invalidValue(NOWHERE, name, value, 'an object')
    for (const [member, one] of Object.entries(value)) {
      const path = name === '' ? member : `${name}.${member}`
      const check = Object.hasOwn(shape, member) ? shape[member] : undefined
      if (check === undefined) throw unknownKey(NOWHERE, path, nearest(member, Object.keys(shape)))
      if (one !== undefined) check(one, path)
    }
  }
}

/** Any names, each with the same kind of value. */
function each(check: Check): Check {
  return (value, name) => {
    if (!isPlainObject(value)) throw invalidValue(NOWHERE, name, value, 'an object')
    for (const [member, one] of Object.entries(value)) check(one, `${name}.${member}`)
  }
}

const contextMembers = members({
  nimbus: address,
  production: boolean,
  tokenFile: text,
  tls: members({ ca: text, cert: text, key: text }),
})

const context: Check = (value, name) => {
  contextMembers(value, name)
  if (isPlainObject(value) && value['nimbus'] === undefined) {
    throw invalidValue(NOWHERE, `${name}.nimbus`, undefined, "'host:port', or several")
  }
}

const topologyConfig: Check = (value, name) => {
  if (!isPlainObject(value)) throw invalidValue(NOWHERE, name, value, 'an object')
  checkTopologyConfig(value, { prefix: `${name}: ` })
}

const project = members({
  topologies: each(text),
  contexts: each(context),
  defaultContext: text,
  dev: members({
    port: whole(0, PORT_MAX),
    workers: whole(1, WORKERS_MAX),
    open: boolean,
    args: each(texts),
    for: duration,
  }),
  config: topologyConfig,
})

/**
 * Checks and returns the project's configuration.
 * @throws UsageError CONFIG_UNKNOWN_KEY, CONFIG_INVALID_VALUE; CONFIG_CONTRADICTION if `defaultContext`
 *   is none of `contexts`
 */
export function defineConfig<const C extends string>(config: ProjectConfig<C>): ProjectConfig<C> {
  project(config, '')
  const { contexts, defaultContext } = config
  if (defaultContext !== undefined && !Object.hasOwn(contexts ?? {}, defaultContext)) {
    const names = Object.keys(contexts ?? {})
    const near = nearest(defaultContext, names)
    throw contradiction(
      `defaultContext is '${defaultContext}', which is none of contexts` +
        (near === undefined ? '' : `; did you mean '${near}'`),
      'defaultContext',
      'contexts',
    )
  }
  return config
}
