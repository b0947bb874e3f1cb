/** What a leader writes, as operations of the coordinator. Pure. */
import type { Operation } from '../coordinate/coordinator.ts'
import type { BoardWrite } from './board.ts'
import { paths } from './paths.ts'
import { type RecordCodec, recordCodecs } from './record-codec.ts'

/** @throws UsageError RECORD_TOO_LARGE */
export function operationOf(root: string, write: BoardWrite): Operation {
  switch (write.kind) {
    case 'put-topology':
      return put(root + paths.topology(write.record.id), recordCodecs.topology, write)
    case 'delete-topology':
      return { kind: 'delete', path: root + paths.topology(write.id), version: write.version }
    case 'put-assignment':
      return put(root + paths.assignment(write.record.topologyId), recordCodecs.assignment, write)
    case 'delete-assignment':
      return { kind: 'delete', path: root + paths.assignment(write.id), version: write.version }
    case 'put-node':
      return put(root + paths.node(write.record.node), recordCodecs.node, write)
    case 'delete-node':
      return { kind: 'delete', path: root + paths.node(write.node), version: write.version }
    case 'take-name':
      return { kind: 'create', path: root + paths.name(write.name), data: new TextEncoder().encode(write.id) }
    case 'free-name':
      return { kind: 'delete', path: root + paths.name(write.name) }
    case 'put-submit': {
      const path = root + paths.submit(write.record.key)
      return { kind: 'create', path, data: recordCodecs.submit.encode(path, write.record) }
    }
    case 'delete-submit':
      return { kind: 'delete', path: root + paths.submit(write.key) }
  }
}

function put<R>(
  path: string,
  codec: RecordCodec<R>,
  { record, version }: { readonly record: R; readonly version: number | undefined },
): Operation {
  const data = codec.encode(path, record)
  return version === undefined ? { kind: 'create', path, data } : { kind: 'set', path, data, version }
}
