/** The door `typhoon/config`: the configuration file of a project, and the keys of daemons. */
export type { ClusterConfig, ContextConfig, DevConfig, ProjectConfig } from './cluster-config.ts'
export { defineConfig } from './define-config.ts'
export { type ConfigKey, configKeys } from './keys.ts'
