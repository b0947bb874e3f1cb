/** Calls of components that are made to throw: the next so many of each. */

interface CallFault {
  readonly component: string
  readonly call: string | undefined
  left: number
}

export class CallFaults {
  private readonly failing: CallFault[] = []

  /** `call` undefined: any call. */
  add(component: string, call: string | undefined, count: number): void {
    this.failing.push({ component, call, left: count })
  }

  /** For whoever runs components: called before each call of one. */
  readonly beforeCall = (component: string, call: string): void => {
    if (this.failing.length === 0) return
    const at = this.failing.findIndex((each) => {
      return each.component === component && (each.call === undefined || each.call === call)
    })
    const fault = this.failing[at]
    if (fault === undefined) return
    fault.left -= 1
    if (fault.left <= 0) this.failing.splice(at, 1)
    throw new InjectedFault(`${component} was made to fail in ${call}`)
  }
}

/** What a component throws that was made to fail. */
class InjectedFault extends Error {
  override readonly name = 'InjectedFault'
}
