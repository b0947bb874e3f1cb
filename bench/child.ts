/** Runs a case in a process of its own: no case profits or suffers from what another taught the compiler. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Case, Line, Plan } from './case.ts'

const entry = fileURLToPath(new URL('run-one.ts', import.meta.url))
const OVERTIME_MS = 120_000

/** @throws Error with what the child said, if it did not give its line */
export async function runInChild({ name, nodeFlags = [] }: Case, plan: Plan): Promise<Line> {
  const text = await outputOf([...nodeFlags, entry, name, JSON.stringify(plan)], limitOf(plan))
  const line: unknown = JSON.parse(text)
  if (isLine(line)) return line
  throw new Error(`${name} printed no line of figures: ${text.slice(0, 200)}`)
}

function limitOf(plan: Plan): number {
  return OVERTIME_MS + 3 * (plan.warmMs + plan.windowMs * plan.windowCount)
}

function outputOf(args: readonly string[], timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout)
      else reject(new Error(`ended with ${signal ?? code}: ${stderr.trim().slice(-2000)}`))
    })
  })
}

function isLine(value: unknown): value is Line {
  return typeof value === 'object' && value !== null && 'name' in value && 'tuplesPerSecond' in value
}
