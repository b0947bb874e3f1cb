/**
 * Bundles of simulated topologies: a few bytes that name a topology of this process. They are stored, copied
 * and checked by their digest like real ones; only importing is a look-up.
 */
import { FormatError } from '../../base/errors.ts'
import type { Host } from '../../host/host.ts'
import type { TopologyDef } from '../../topology/topology-def.ts'
import { readText } from './sim-launcher.ts'

type AnyTopology = TopologyDef<unknown, unknown>

export class SimBundles {
  private readonly known = new Map<string, AnyTopology>()

  /** The bytes of a bundle. Two topologies of one name have different ones. */
  add(name: string, def: AnyTopology): Uint8Array {
    for (const [text, other] of this.known) if (other === def) return new TextEncoder().encode(text)
    const text = `// bundle ${this.known.size + 1} of ${name}`
    this.known.set(text, def)
    return new TextEncoder().encode(text)
  }

  /** Imports from a machine's disk. */
  loaderOn(host: Host): (bundlePath: string) => Promise<AnyTopology> {
    return async (bundlePath) => {
      const text = await readText(host, bundlePath)
      const def = text === undefined ? undefined : this.known.get(text)
      if (def === undefined) throw new FormatError('BUNDLE_INVALID', `${bundlePath} is no bundle`, {})
      return def
    }
  }
}
