/** The child's side of a fork that gets one order and gives one answer. */

export interface Ordered {
  readonly order: Readonly<Record<string, unknown>>
  /** Sends it, and ends the process when it has left. */
  readonly answer: (message: unknown) => void
}

/** The channel is taken out of the process before anything else runs in it. */
export async function orderOfParent(): Promise<Ordered> {
  const { send } = process
  if (send === undefined) {
    process.stderr.write('this module is forked by a program, not run by hand\n')
    process.exit(2)
  }
  const sendToParent = send.bind(process)
  const order = await new Promise<Readonly<Record<string, unknown>>>((resolve) => {
    process.once('message', (message) => resolve(Object(message)))
  })
  delete process.send
  // A parent that is gone waits for nothing.
  process.once('disconnect', () => process.exit(0))
  const { exit } = process
  return {
    order,
    answer: (message) => void sendToParent(message, undefined, {}, () => exit.call(process, 0)),
  }
}
