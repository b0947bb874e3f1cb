/** `typhoon check`: what is wrong with topologies, without running them. */
import { type CheckFinding, judgeTopology, type Verdict } from '../check/judge-topology.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import { counted, sizeText } from '../figures.ts'
import type { Invocation } from '../invocation.ts'
import { locateAll, locateTopology, type TopologyPlace } from '../load/load-topology.ts'
import { placeOf } from '../place.ts'
import type { Shell } from '../shell.ts'

export async function check(shell: Shell, invocation: Invocation): Promise<number> {
  const verdicts: Verdict[] = []
  for (const place of await placesOf(shell, invocation)) {
    const verdict = await judgeTopology(shell, invocation, place)
    verdicts.push(verdict)
    if (invocation.output === 'table') printVerdict(shell, verdict)
    if (invocation.output === 'jsonl') shell.printJsonLine({ version: 1, ...verdictDocument(verdict) })
  }
  const all = verdicts.flatMap(({ findings }) => findings)
  const errorCount = all.filter(({ severity }) => severity === 'error').length
  const warningCount = all.length - errorCount
  const isGood = errorCount === 0 && (warningCount === 0 || !invocation.flag('strict'))
  if (invocation.output === 'json') {
    const topologies = verdicts.map(verdictDocument)
    shell.printJson({ version: 1, ok: isGood, errors: errorCount, warnings: warningCount, topologies })
  }
  if (invocation.output === 'table') printTotals(shell, all, errorCount, warningCount)
  return isGood ? ExitCode.OK : ExitCode.NEGATIVE
}

async function placesOf(shell: Shell, invocation: Invocation): Promise<readonly TopologyPlace[]> {
  if (invocation.args.length === 0) {
    const all = await locateAll(shell, invocation)
    if (all.length > 0) return all.map(([, place]) => place)
    const fix = 'give the path of a module, or name topologies in typhoon.config.ts'
    throw new CommandFailure('there is no topology to check', { fix })
  }
  const places: TopologyPlace[] = []
  for (const word of invocation.args) places.push(await locateTopology(shell, invocation, word))
  return places
}

function printVerdict(shell: Shell, { file, name, size, findings }: Verdict): void {
  const { paint } = shell
  const facts = size === undefined ? '' : `  ${sizeText(size)}`
  const mark = size === undefined ? '' : `${paint('green', '✔')} `
  shell.print(`${mark}${paint('bold', shell.short(file))}${name === undefined ? '' : `  ${name}`}${facts}`)
  for (const finding of findings) printFinding(shell, finding)
}

function printFinding(shell: Shell, finding: CheckFinding): void {
  const { paint } = shell
  const { severity, number, code, message, where, didYouMean, fix, frames = [], causes = [] } = finding
  const mark = severity === 'error' ? paint('red', '✖') : paint('yellow', '⚠')
  const name = [number, code].filter(Boolean).join(' ')
  shell.print(`  ${mark} ${name === '' ? '' : `${paint('bold', name)}  `}${message}`)
  const row = (label: string, text: string) => shell.print(`      ${paint('dim', label.padEnd(5))} ${text}`)
  if (where !== undefined) row('at', paint('cyan', shell.short(where)))
  if (didYouMean !== undefined) row('near', `did you mean ${didYouMean}?`)
  for (const cause of causes) row('cause', cause)
  for (const frame of frames)
    row(
      'in',
      frame.replace(/(^| )(\/.+)$/, (_, gap, path) => gap + shell.short(path)),
    )
  if (fix !== undefined) row('fix', fix)
}

function printTotals(
  shell: Shell,
  all: readonly CheckFinding[],
  errorCount: number,
  warningCount: number,
): void {
  if (all.length === 0) return
  const number = all.find((finding) => finding.number !== undefined)?.number
  const more = number === undefined ? '' : `   ${shell.paint('dim', `typhoon explain ${number}`)}`
  shell.print(`${counted(errorCount, 'error')}, ${counted(warningCount, 'warning')}${more}`)
}

function verdictDocument({ file, name, size, findings }: Verdict): object {
  return {
    file,
    topology: name ?? null,
    components: size?.components ?? null,
    tasks: size?.tasks ?? null,
    ackers: size?.ackers ?? null,
    guarantee: size?.guarantee ?? null,
    findings: findings.map((finding) => {
      const place = finding.where === undefined ? undefined : placeOf(finding.where)
      return {
        severity: finding.severity,
        code: finding.code ?? null,
        number: finding.number ?? null,
        message: finding.message,
        didYouMean: finding.didYouMean ?? null,
        file: place?.file ?? null,
        line: place?.line ?? null,
        column: place?.column ?? null,
        fix: finding.fix ?? null,
      }
    }),
  }
}
