/**
 * The project: `typhoon.config.ts` (or .mts, .js, .mjs, .json), the nearest one upward from the working
 * directory.
 */
import type { ProjectConfig } from '../../config/cluster-config.ts'
import { defineConfig } from '../../config/define-config.ts'
import { CommandFailure } from '../failure.ts'
import type { Shell } from '../shell.ts'
import { importModule } from './import-module.ts'

export interface Project {
  /** Absolute. */
  readonly file: string
  readonly directory: string
  readonly config: ProjectConfig
}

const NAMES = ['ts', 'mts', 'js', 'mjs', 'json'].map((extension) => `typhoon.config.${extension}`)

/** Path of the configuration file; undefined: there is none. */
export async function findProjectFile(shell: Shell): Promise<string | undefined> {
  const { files } = shell
  let directory = files.resolve(shell.terminal.directory)
  for (;;) {
    const present = new Set(await files.list(directory))
    const name = NAMES.find((each) => present.has(each))
    if (name !== undefined) return files.resolve(directory, name)
    const parent = files.resolve(directory, '..')
    if (parent === directory) return undefined
    directory = parent
  }
}

/**
 * The project with its configuration checked; undefined: there is none.
 * @throws UsageError E2 codes; CommandFailure it cannot be read
 */
export async function findProject(shell: Shell): Promise<Project | undefined> {
  const file = await findProjectFile(shell)
  if (file === undefined) return undefined
  const config = file.endsWith('.json') ? readJson(shell, file) : await readModule(shell, file)
  // A JavaScript file may export what it likes, so it is checked here, too.
  return { file, directory: shell.files.resolve(file, '..'), config: defineConfig(config) }
}

async function readModule(shell: Shell, file: string): Promise<ProjectConfig> {
  const { exports } = await importModule(shell, file)
  const config = exports['default']
  if (isConfig(config)) return config
  throw new CommandFailure('the project has no configuration as default export', {
    where: `${file}:1:1`,
    fix: 'export default defineConfig({ … }), from typhoon/config',
  })
}

function readJson(shell: Shell, file: string): ProjectConfig {
  try {
    const config: unknown = JSON.parse(shell.machine.readText(file) ?? '')
    if (isConfig(config)) return config
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new CommandFailure(`typhoon.config.json is no JSON: ${error.message}`, { where: `${file}:1:1` })
  }
  throw new CommandFailure('typhoon.config.json holds no object', { where: `${file}:1:1` })
}

/** An object; `defineConfig` looks at the rest. */
function isConfig(value: unknown): value is ProjectConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
