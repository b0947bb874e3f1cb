import { createServer, type Server } from 'node:net'

/** Ports of loopback that nobody listens at now. All are held before any is let go, so they differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held = await Promise.all(Array.from({ length: count }, hold))
  const ports = held.map((server) => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
    return address.port
  })
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function hold(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}
