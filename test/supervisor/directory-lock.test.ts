// Claims over the machine's own processes and files: who lives has the directory, who is dead has not.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DirectoryLock, livesOn } from '../../src/host/lock/directory-lock.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { nodeProcesses } from '../../src/host/node-processes.ts'

const host = createNodeHost()
const { pid, bornAt } = nodeProcesses.self
let directory = ''

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'typhoon-lock-'))
})
afterEach(() => rm(directory, { recursive: true }))

const owner = (digit: string) => digit.repeat(32)
const lock = (digit: string) =>
  new DirectoryLock({
    host,
    lives: livesOn(nodeProcesses),
    directory,
    holder: 'supervisor',
    owner: owner(digit),
  })
const claims = () => readdir(join(directory, 'supervisor.lock'))

test('held by one, refused to the next, free when it is released', async () => {
  const one = lock('1')
  await one.take()
  await expect(lock('2').take()).rejects.toMatchObject({ code: 'DIRECTORY_IN_USE', details: { pid } })
  expect(await claims()).toEqual([`${pid}-${bornAt}-${owner('1')}`])
  await one.release()
  await lock('2').take()
})

test('claims of the dead, also of one whose pid another process has now, are no hindrance', async () => {
  await lock('1').take()
  await rm(join(directory, 'supervisor.lock', `${pid}-${bornAt}-${owner('1')}`))
  const dead = [`${pid}-${Number(bornAt) + 1}-${owner('a')}`, `4194305-77-${owner('b')}`]
  for (const name of [...dead, 'a note of somebody'])
    await writeFile(join(directory, 'supervisor.lock', name), '')
  const next = lock('2')
  await next.take()
  expect([...next.formerOwners].sort()).toEqual([owner('a'), owner('b')])
  await next.forgetFormer()
  expect((await claims()).sort()).toEqual([`${pid}-${bornAt}-${owner('2')}`, 'a note of somebody'].sort())
})

test('claims of the dead are bounded', async () => {
  await lock('1').take()
  const names = Array.from({ length: 40 }, (_, index) => `4194305-${index}-${owner('b')}`)
  for (const name of names) await writeFile(join(directory, 'supervisor.lock', name), '')
  await rm(join(directory, 'supervisor.lock', `${pid}-${bornAt}-${owner('1')}`))
  await lock('2').take()
  expect(await claims()).toHaveLength(1)
})
