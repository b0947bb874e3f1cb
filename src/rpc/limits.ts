/** What the API takes at most: told by the carriers before a body is read. */

/** Everything but heartbeats and blobs. */
export const BODY_BYTES_MAX = 1024 * 1024
/** A node with hundreds of slots and all that happened there. */
export const HEARTBEAT_BYTES_MAX = 8 * 1024 * 1024
/** A bundle (Nimbus has a lower limit of its own) or the state of an executor. */
export const BLOB_BYTES_MAX = 128 * 1024 * 1024
/** Most of a blob that one reply brings. */
export const BLOB_PIECE_BYTES_MAX = 16 * 1024 * 1024
/** Longest wait of a call for something new (`events`). */
export const WAIT_MS_MAX = 30_000
/** Objects within objects in a body. Nobody needs more, and checkers call themselves for each. */
export const DEPTH_MAX = 64
