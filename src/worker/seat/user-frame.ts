/**
 * Where in the user's code an error came up: the first frame of its stack that is neither Node's nor this
 * package's. Pure.
 */

/** A frame's place: `file:///a/b.ts:3:14`, `/a/b.ts:3:14`. */
const PLACE = /(?:^|[\s(])((?:file:\/\/)?\/[^\s()]*?):(\d+)(?::(\d+))?\)?$/

/** `file:line:column`; undefined: the error did not come up in user code. `ownCode`: URL of our folder. */
export function userFrameOf(stack: string, ownCode: string): string | undefined {
  for (const line of stack.split('\n')) {
    const found = PLACE.exec(line.trim())
    if (found === null) continue
    const [, file = '', row = '', column = '1'] = found
    const path = file.replace(/^file:\/\//, '')
    if (!isOwn(path, ownCode)) return `${path}:${row}:${column}`
  }
  return undefined
}

/** Of what frames are, which are neither Node's nor ours. */
export interface Sources {
  readonly bundlePath: string
  /** URL of our folder. */
  readonly ownCode: string
}

/**
 * A stack whose frames of the bundle are told from the folder of the module that it was made of:
 * `/node/bundles/lib/a.ts:3:14` as `lib/a.ts:3:14`. Its map counts from where the bundle lies, and on a node
 * nothing is there.
 */
export function stackInSources(stack: string, { bundlePath, ownCode }: Sources): string {
  const folder = bundlePath.slice(0, bundlePath.lastIndexOf('/'))
  const shown = stack.split('\n').map((line) => {
    const [, file = ''] = PLACE.exec(line) ?? []
    const path = file.replace(/^file:\/\//, '')
    return file === '' || isOwn(path, ownCode) ? line : line.replace(file, () => relative(folder, path))
  })
  return shown.join('\n')
}

function isOwn(path: string, ownCode: string): boolean {
  const ownPath = ownCode.replace(/^file:\/\//, '')
  // Built, its frames are shown at the sources that it was built from.
  return path.startsWith(ownPath) || path.startsWith(ownPath.replace(/\/dist\/$/, '/src/'))
}

/** Of two absolute paths without dots in them. */
function relative(folder: string, path: string): string {
  const [from, to] = [folder.split('/'), path.split('/')]
  let common = 0
  while (common < from.length && common < to.length - 1 && from[common] === to[common]) common += 1
  return [...from.slice(common).map(() => '..'), ...to.slice(common)].join('/')
}
