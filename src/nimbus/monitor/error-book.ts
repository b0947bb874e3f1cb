/**
 * Errors of topologies as they are shown: grouped by code and component, and the newest dead letters. In
 * memory; workers throttle what they tell.
 *
 * Bounds: 200 groups and 100 letters a topology, 16 KB a letter; topologies that are gone are forgotten.
 */
import { errorCodeEntry, isErrorCode } from '../../base/error-codes.ts'
import type { SeatFault } from '../../cluster/seat-messages.ts'
import type { ErrorSummary } from '../../rpc/contract.ts'
import type { Json } from '../../topology/describe/document.ts'

const GROUPS_MAX = 200
const LETTERS_MAX = 100
const LETTER_CHARACTERS_MAX = 16_384
const TEXT_MAX = 4_000

interface Page {
  readonly groups: Map<string, ErrorSummary>
  readonly letters: Json[]
}

export class ErrorBook {
  private readonly pages = new Map<string, Page>()

  addFault(topologyId: string, fault: SeatFault): void {
    const { groups } = this.page(topologyId)
    const key = `${fault.code} ${fault.component}`
    const before = groups.get(key)
    // Last in order is newest: the first is what goes when there is no room.
    groups.delete(key)
    groups.set(key, summaryOf(fault, before))
    for (const oldest of groups.keys()) {
      if (groups.size <= GROUPS_MAX) break
      groups.delete(oldest)
    }
  }

  addLetter(topologyId: string, letter: Json): void {
    const page = this.page(topologyId)
    const text = JSON.stringify(letter)
    const kept: Json =
      text.length <= LETTER_CHARACTERS_MAX
        ? letter
        : { isCut: true, text: text.slice(0, LETTER_CHARACTERS_MAX) }
    page.letters.push(kept)
    if (page.letters.length > LETTERS_MAX) page.letters.shift()
  }

  /** Newest first. */
  errorsOf(topologyId: string): readonly ErrorSummary[] {
    return [...(this.pages.get(topologyId)?.groups.values() ?? [])].reverse()
  }

  /** Newest first. */
  lettersOf(topologyId: string): readonly Json[] {
    return [...(this.pages.get(topologyId)?.letters ?? [])].reverse()
  }

  keepOnly(isKnown: (topologyId: string) => boolean): void {
    for (const id of this.pages.keys()) if (!isKnown(id)) this.pages.delete(id)
  }

  private page(topologyId: string): Page {
    let page = this.pages.get(topologyId)
    if (page === undefined) {
      page = { groups: new Map(), letters: [] }
      this.pages.set(topologyId, page)
    }
    return page
  }
}

function summaryOf(fault: SeatFault, before: ErrorSummary | undefined): ErrorSummary {
  // A worker of a newer version may have codes that are not in this table.
  const code = isErrorCode(fault.code) ? fault.code : 'EXECUTE_THREW'
  const details = isErrorCode(fault.code) ? {} : { code: fault.code.slice(0, 100) }
  return {
    code,
    family: errorCodeEntry(code).family,
    component: fault.component,
    message: fault.message.slice(0, TEXT_MAX),
    count: (before?.count ?? 0) + 1,
    firstAt: before?.firstAt ?? fault.at,
    lastAt: fault.at,
    stack: fault.stack?.slice(0, TEXT_MAX),
    details: { ...details, task: fault.task },
  }
}
