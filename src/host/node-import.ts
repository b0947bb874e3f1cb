/** Imports modules of users into this process, by their path. */
import { pathToFileURL } from 'node:url'

/** All that it exports. @param path absolute */
export async function importModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  return await import(pathToFileURL(path).href)
}
