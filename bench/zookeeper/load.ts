/** What both clients do: so many calls of one kind outstanding at all times. */
export interface Load {
  readonly connectString: string
  /** Nodes `n0` … are below it. */
  readonly root: string
  readonly outstanding: number
  readonly nodes: number
}

export interface Window {
  readonly calls: number
  readonly seconds: number
}
