/**
 * The house rules as one check: sizes, bans, names, texts, rooms, errors, links, doors. Each rule says where
 * it is broken and what to write instead. `node tools/tidy.ts src/flow` prints the findings below a path.
 */
import { fileURLToPath } from 'node:url'
import { findBans } from './tidy/bans.ts'
import { findUndocumentedDoors } from './tidy/doors.ts'
import { findErrorCodeTrouble } from './tidy/errors.ts'
import { findDeadLinks } from './tidy/links.ts'
import { findBadNames } from './tidy/names.ts'
import { findRoomPageTrouble } from './tidy/rooms.ts'
import { findSizes } from './tidy/sizes.ts'
import { findBadTexts } from './tidy/texts.ts'
import { type Exception, exceptions } from './tidy-exceptions.ts'
import { type Finding, findingLine, readTree, type Tree } from './tree.ts'

const exceptionsCountMax = 12

const rules: ReadonlyArray<(tree: Tree) => readonly Finding[]> = [
  findSizes,
  findBans,
  findBadNames,
  findBadTexts,
  findRoomPageTrouble,
  findErrorCodeTrouble,
  findDeadLinks,
  findUndocumentedDoors,
]

/** All findings of all rules that no exception excuses. */
export function findUntidy(tree: Tree): Finding[] {
  return excuse(
    rules.flatMap((rule) => rule(tree)),
    exceptions,
  )
}

/** The findings that are left, and one for each exception without reason or without use. */
export function excuse(findings: readonly Finding[], excuses: readonly Exception[]): Finding[] {
  const file = 'tools/tidy-exceptions.ts'
  const trouble: Finding[] = []
  const say = (text: string) => trouble.push({ file, line: 1, rule: 'tidy/exceptions', text })
  const isExcused = (excuse: Exception, found: Finding) =>
    excuse.file === found.file && excuse.rule === found.rule
  for (const each of excuses) {
    if (each.reason.trim() === '') say(`${each.file} ${each.rule}: say why`)
    if (!findings.some((found) => isExcused(each, found)))
      say(`${each.file} ${each.rule}: no longer needed, remove it`)
  }
  if (excuses.length > exceptionsCountMax) say(`more than ${exceptionsCountMax}: split or mend one of them`)
  const left = findings.filter((found) => !excuses.some((each) => isExcused(each, found)))
  return [...left, ...trouble]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const below = process.argv[2] ?? ''
  const found = findUntidy(readTree()).filter(({ file }) => file.startsWith(below))
  for (const each of found) process.stdout.write(`${findingLine(each)}\n`)
  process.exit(found.length === 0 ? 0 : 1)
}
