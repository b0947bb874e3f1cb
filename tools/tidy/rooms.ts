/** Room pages: each room has a README that lists its files, all of them and no others. */
import { mayImport } from '../layers.ts'
import { type Finding, isTest, type Tree } from '../tree.ts'

/** Rooms without a page, files without a line, lines without a file. */
export function findRoomPageTrouble(tree: Tree): Finding[] {
  const found: Finding[] = []
  for (const room of Object.keys(mayImport)) {
    const folder = `src/${room}`
    const files = tree.typescript(folder).filter((file) => !isTest(file))
    if (files.length > 0) found.push(...judgePage(tree, folder, files))
  }
  return found
}

function judgePage(tree: Tree, folder: string, files: readonly string[]): Finding[] {
  const page = `${folder}/README.md`
  const rule = 'rooms/page'
  if (!tree.has(page)) {
    return [
      {
        file: page,
        line: 1,
        rule,
        text: 'write it: what the room is, who calls it, its invariants, its files',
      },
    ]
  }
  const found: Finding[] = []
  const listed = new Map<string, number>()
  for (const [index, line] of tree.lines(page).entries()) {
    for (const [, name = ''] of line.matchAll(/`([\w/-]+\.ts)`/g)) listed.set(name, index + 1)
  }
  for (const file of files) {
    const inRoom = file.slice(folder.length + 1)
    const name = inRoom.slice(inRoom.lastIndexOf('/') + 1)
    if (listed.has(inRoom) || listed.has(name)) continue
    found.push({ file: page, line: 1, rule, text: `list \`${inRoom}\` and what it is for` })
  }
  for (const [name, line] of listed) {
    if (tree.paths.some((path) => path === name || path.endsWith(`/${name}`))) continue
    found.push({
      file: page,
      line,
      rule,
      text: `\`${name}\` does not exist: remove it, or write its name of today`,
    })
  }
  return found
}
