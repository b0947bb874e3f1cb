/**
 * Where in the user's code an error came up: the first frame of its stack that is neither Node's nor this
 * package's. Pure.
 */

/** A frame's place: `file:///a/b.ts:3:14`, `/a/b.ts:3:14`. */
const PLACE = /(?:^|[\s(])((?:file:\/\/)?\/[^\s()]*?):(\d+)(?::(\d+))?\)?$/

/** `file:line:column`; undefined: the error did not come up in user code. `ownCode`: URL of our folder. */
export function userFrameOf(stack: string, ownCode: string): string | undefined {
  const ownPath = ownCode.replace(/^file:\/\//, '')
  // Built, its frames are shown at the sources that it was built from.
  const sourcePath = ownPath.replace(/\/dist\/$/, '/src/')
  for (const line of stack.split('\n')) {
    const found = PLACE.exec(line.trim())
    if (found === null) continue
    const [, file = '', row = '', column = '1'] = found
    const path = file.replace(/^file:\/\//, '')
    if (path.startsWith(ownPath) || path.startsWith(sourcePath)) continue
    return `${path}:${row}:${column}`
  }
  return undefined
}
