/**
 * Before the first suite on a CI machine: Java, Maven and the jars of real servers are there, or it was said
 * why not. In a test's own time this would run into the limits of its hooks.
 */
import { jarsOf, whatJavaLacks } from './get-jars.ts'

/** Vitest calls it by its name. A suite that needs what is missing fails by itself, and says so. */
export async function setup(): Promise<void> {
  if (process.env['CI'] === undefined || whatJavaLacks() !== undefined) return
  await jarsOf('zookeeper').catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
}
