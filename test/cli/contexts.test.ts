// Names of clusters from the first `set` to `remove`, in a file of the user's own.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ClusterShell } from './cluster-shell.ts'

let home: string
let shell: ClusterShell
beforeEach(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'typhoon-contexts-')))
  vi.stubEnv('XDG_CONFIG_HOME', home)
  shell = await ClusterShell.open()
})
afterEach(() => {
  shell.close()
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

async function names(): Promise<readonly string[]> {
  const { stdout } = await shell.say(['context', 'list', '-o', 'json'])
  const { contexts } = JSON.parse(stdout)
  const starred = (each: { name: string; isDefault: boolean }) => each.name + (each.isDefault ? '*' : '')
  return contexts.map(starred)
}

test('the first name is the default until it is removed; the cluster behind it is as it was', async () => {
  for (const name of ['dev', 'prod'])
    expect((await shell.say(['context', 'set', name, '--nimbus', shell.address])).code).toBe(0)
  expect(await names()).toEqual(['dev*', 'prod'])
  const removed = await shell.say(['context', 'remove', 'dev'])
  expect(removed).toMatchObject({ code: 0, stdout: expect.stringContaining('it was the default') })
  expect(await names()).toEqual(['prod'])
  expect((await shell.say(['context', 'use', 'prod'])).code).toBe(0)
  expect((await shell.say(['list'])).code).toBe(0)
  expect((await shell.say(['context', 'remove', 'prod'])).code).toBe(0)
  expect(await names()).toEqual([])
  expect(shell.nimbus.asked.map(([name]) => name)).not.toContain('kill')
})

test('a name that nobody knows is refused with the nearest; one of the project with its place', async () => {
  await shell.say(['context', 'set', 'dev', '--nimbus', shell.address])
  const mistaken = await shell.say(['context', 'remove', 'dve'])
  expect(mistaken).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean dev?') })
  shell.write('typhoon.config.json', JSON.stringify({ contexts: { shared: { nimbus: shell.address } } }))
  const shared = await shell.say(['context', 'remove', 'shared'])
  expect(shared.code).not.toBe(0)
  expect(shared.stderr).toContain('configuration of the project')
  expect(await names()).toEqual(['dev*', 'shared'])
})
