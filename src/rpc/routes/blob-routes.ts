/** Routes of calls about blobs: bytes as they are, by their digest. */
import { z } from 'zod'
import { BLOB_BYTES_MAX, BLOB_PIECE_BYTES_MAX } from '../limits.ts'
import type { NimbusApi } from '../nimbus-api.ts'
import { describe, rawBytes } from './route.ts'
import { blobRef, countText, digest } from './schemas.ts'

const nimbus = describe<NimbusApi>()
const params = z.strictObject({ digest })
const path = '/blobs/{digest}'

export const blobRoutes = {
  blobs: nimbus('blobs')({
    method: 'GET',
    path: '/blobs',
    summary: 'Lists blobs.',
    action: 'look',
    reply: z.array(blobRef),
    isAnsweredByAll: true,
    call: (api, caller) => api.blobs(caller),
    parts: () => ({}),
  }),
  readBlob: nimbus('readBlob')({
    method: 'GET',
    path,
    summary: 'Bytes of a blob, from an offset on; fewer than asked for at its end.',
    // Bundles are code and the state of executors is what tuples left: more than figures.
    action: 'blobs',
    params,
    query: z.strictObject({
      offset: countText(Number.MAX_SAFE_INTEGER).optional(),
      size: countText(BLOB_PIECE_BYTES_MAX).optional(),
    }),
    reply: 'bytes',
    errors: ['BLOB_MISSING'],
    isAnsweredByAll: true,
    call: (api, caller, { params: each, query }) =>
      api.readBlob(caller, each.digest, query.offset ?? 0, query.size ?? BLOB_PIECE_BYTES_MAX),
    parts: (wanted, offset, sizeBytes) => ({
      params: { digest: wanted },
      query: { offset, size: sizeBytes },
    }),
  }),
  writeBlob: nimbus('writeBlob')({
    method: 'PUT',
    path,
    summary: 'Stores bytes under their digest. What does not have it is refused.',
    action: 'blobs',
    params,
    body: rawBytes,
    reply: blobRef,
    bodyBytesMax: BLOB_BYTES_MAX,
    errors: ['BUNDLE_INVALID', 'BUNDLE_TOO_LARGE', 'DISK_FULL'],
    call: (api, caller, { params: each, body }) => api.writeBlob(caller, each.digest, body),
    parts: (wanted, bytes) => ({ params: { digest: wanted }, body: bytes }),
  }),
  deleteBlob: nimbus('deleteBlob')({
    method: 'DELETE',
    path,
    summary: 'Deletes a blob that no topology needs.',
    action: 'blobs',
    params,
    errors: ['BLOB_MISSING', 'TOPOLOGY_WRONG_STATE'],
    call: async (api, caller, { params: each }) => await api.deleteBlob(caller, each.digest),
    parts: (wanted) => ({ params: { digest: wanted } }),
  }),
} as const
