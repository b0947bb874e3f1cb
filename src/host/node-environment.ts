/** Variables of this process, for whoever begins a program without a terminal of its own. */
export function environmentOf(): Readonly<Record<string, string | undefined>> {
  return process.env
}
