// What the samples' outside world is made of where it is not there: a database client, two HTTP services.
// Loaded before a sample by `node --import`, so the samples run as they stand.
const rows = []

globalThis.connect = async () => ({
  async insert(batch) {
    rows.push(...batch)
  },
  async upsert(_table, _key, batch) {
    rows.push(...batch)
  },
  async begin() {
    return {
      insert: async (batch) => void rows.push(...batch),
      prepareAs: async () => undefined,
      rollback: async () => undefined,
    }
  },
  async commitPrepared() {
    return 'done'
  },
  async rollbackPrepared() {},
  async preparedLike() {
    return []
  },
  async close() {
    console.log(`rows written: ${rows.length}`)
  },
})

const CHANGES = 40
globalThis.fetch = async (address) => {
  const url = new URL(address)
  if (url.hostname === 'users.internal') return reply(url.pathname.endsWith('u3') ? 410 : 200, 'NZ')
  if (url.pathname.endsWith('/shards')) return reply(200, JSON.stringify({ shards: ['s1', 's2'] }))
  if (url.pathname.endsWith('/count')) return reply(200, '0')
  const after = Number(url.searchParams.get('after') === 'start' ? 0 : url.searchParams.get('after'))
  const changes = Array.from({ length: Math.min(10, CHANGES - after) }, (_, i) => ({
    id: `c${after + i + 1}`,
    kind: 'made',
    at: 1_000 * (after + i + 1),
    cursor: String(after + i + 1),
  }))
  return reply(200, JSON.stringify({ changes }))
}

function reply(status, text) {
  return { status, ok: status < 300, text: async () => text, json: async () => JSON.parse(text) }
}
