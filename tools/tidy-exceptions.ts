/**
 * The only exceptions from the tidy rules, twelve at most, each with its reason. An exception that no longer
 * excuses anything is itself a finding.
 */
export interface Exception {
  readonly file: string
  /** As in the finding, for example `sizes/file`. */
  readonly rule: string
  readonly reason: string
}

export const exceptions: readonly Exception[] = [
  {
    file: 'src/flow/executor/tuple.ts',
    rule: 'sizes/parameters',
    reason: 'made once per tuple: an options object would be a second allocation each',
  },
  {
    file: 'src/flow/transfer/link.ts',
    rule: 'sizes/parameters',
    reason: 'one call per ack: an options object would be an allocation each',
  },
  {
    file: 'src/messaging/link.ts',
    rule: 'sizes/parameters',
    reason: 'the same call, where it is made',
  },
  {
    file: 'src/testing/local-run.ts',
    rule: 'sizes/class',
    reason:
      'seven of its methods are the desk its workers report to; the rest is what every way of running needs',
  },
  {
    file: 'src/testing/cluster/sim-cluster.ts',
    rule: 'sizes/class',
    reason: 'what a test can do to a cluster, a method each: start, stop, break and heal every part of it',
  },
]
