/** A topology with its settings compiled as far as they can be: what the rules look at. */
import { isStreamError } from '../../base/errors.ts'
import type { ComponentSettings, TopologySettings } from '../../config/settings.ts'
import { compileTopologySettings } from '../../config/settings.ts'
import { componentSettings } from '../expand.ts'
import type { Component, Topology } from '../topology.ts'
import type { Finding } from './finding.ts'

export interface Look {
  readonly topology: Topology
  /** undefined: they are wrong, and a finding says so. */
  readonly settings: TopologySettings | undefined
  /** Missing: they are wrong, and a finding says so. */
  readonly componentSettings: ReadonlyMap<string, ComponentSettings>
  /** What is wrong with settings. */
  readonly findings: readonly Finding[]
}

export function lookAt(topology: Topology): Look {
  const findings: Finding[] = []
  const settings = attempt(() => compileTopologySettings(topology.config), undefined, findings)
  const components = new Map<string, ComponentSettings>()
  for (const component of topology.components.values()) {
    const compiled = attempt(() => componentSettings(topology, component), component, findings)
    if (compiled !== undefined) components.set(component.id, compiled)
  }
  return { topology, settings, componentSettings: components, findings }
}

/** A default that is wrong would be found again at every component, in the same words. */
function attempt<T>(compile: () => T, component: Component | undefined, findings: Finding[]): T | undefined {
  try {
    return compile()
  } catch (error) {
    if (!isStreamError(error)) throw error
    const { code, message } = error
    const finding = { code, message, component: component?.id, where: component?.where }
    if (!findings.some((known) => message.endsWith(known.message)))
      findings.push({ severity: 'error', ...finding })
    return undefined
  }
}
