/**
 * The node of a member of a group.
 *
 *     bytes up to the first line end   `typhoon-member 1 OWNER-TAG LIFE`, UTF-8
 *     the rest                         the member's own, as they are
 *
 * Versions: 1.
 */
import { FormatError, UsageError } from '../../base/errors.ts'

export interface Member {
  /** Same for all lives of one owner. */
  readonly ownerTag: string
  /** Of one life. */
  readonly life: string
  readonly data: Uint8Array
}

const VERSION = '1'
const MARK = 'typhoon-member'
const LINE_END = 0x0a

export function encodeMember(member: Member): Uint8Array {
  for (const word of [member.ownerTag, member.life]) {
    if (!/^\S+$/.test(word)) {
      throw new UsageError('CONFIG_INVALID_VALUE', `an owner tag has no blanks and is not empty: '${word}'`)
    }
  }
  const head = new TextEncoder().encode(`${MARK} ${VERSION} ${member.ownerTag} ${member.life}\n`)
  const bytes = new Uint8Array(head.length + member.data.length)
  bytes.set(head)
  bytes.set(member.data, head.length)
  return bytes
}

/** @throws FormatError RECORD_MALFORMED with the path */
export function parseMember(path: string, bytes: Uint8Array): Member {
  const end = bytes.indexOf(LINE_END)
  const head = new TextDecoder().decode(bytes.subarray(0, Math.max(0, end))).split(' ')
  const [mark, version, ownerTag, life] = head
  if (
    mark !== MARK ||
    version !== VERSION ||
    ownerTag === undefined ||
    life === undefined ||
    head.length > 4
  ) {
    const text = `${path} is no member's node of version ${VERSION}`
    throw new FormatError('RECORD_MALFORMED', text, { path, sizeBytes: bytes.length })
  }
  return { ownerTag, life, data: bytes.slice(end + 1) }
}
