/** `typhoon blob list | get | put | delete`: what Nimbus keeps for topologies, by digest. */
import { digestOf, download } from '../../../rpc/client/submission.ts'
import { printListing, printOne } from '../../cluster/print.ts'
import { argument, openCluster } from '../../cluster/session.ts'
import { ExitCode } from '../../exit-code.ts'
import { CommandFailure } from '../../failure.ts'
import { countText } from '../../figures.ts'
import type { Invocation } from '../../invocation.ts'
import type { Shell } from '../../shell.ts'

export async function blobList(shell: Shell, invocation: Invocation): Promise<number> {
  const { nimbus } = await openCluster(shell, invocation)
  printListing(shell, invocation, {
    name: 'blobs',
    rows: await nimbus.call('blobs', []),
    columns: [{ title: 'DIGEST' }, { title: 'BYTES', align: 'right' }],
    cells: ({ digest, sizeBytes }) => [digest, countText(sizeBytes)],
    empty: 'there are no blobs',
  })
  return ExitCode.OK
}

export async function blobGet(shell: Shell, invocation: Invocation): Promise<number> {
  const digest = argument(invocation, 0, 'the digest')
  const path = argument(invocation, 1, 'the file to write')
  const { nimbus, host } = await openCluster(shell, invocation)
  const bytes = await download(nimbus, digest)
  if (digestOf(host, bytes) !== digest) {
    throw new CommandFailure(`what came has another digest than ${digest}`, { exitCode: ExitCode.NEGATIVE })
  }
  const file = await shell.files.open(shell.files.resolve(shell.terminal.directory, path), 'create')
  await file.write(bytes, 0)
  await file.close()
  printOne(shell, invocation, { digest, bytes: bytes.length, file: path }, () => [
    `${shell.paint('green', '✔')} ${countText(bytes.length)} bytes in ${path}`,
  ])
  return ExitCode.OK
}

export async function blobPut(shell: Shell, invocation: Invocation): Promise<number> {
  const path = shell.files.resolve(shell.terminal.directory, argument(invocation, 0, 'the file'))
  const facts = await shell.files.stat(path)
  if (facts?.kind !== 'file') {
    throw new CommandFailure(`there is no file ${shell.short(path)}`, { exitCode: ExitCode.NOT_FOUND })
  }
  const bytes = new Uint8Array(facts.sizeBytes)
  const file = await shell.files.open(path, 'read')
  await file.read(bytes, 0)
  await file.close()
  const { nimbus, host } = await openCluster(shell, invocation)
  const { digest } = await nimbus.call('writeBlob', [digestOf(host, bytes), bytes])
  printOne(shell, invocation, { digest, bytes: bytes.length }, () => [digest])
  return ExitCode.OK
}

export async function blobDelete(shell: Shell, invocation: Invocation): Promise<number> {
  const digest = argument(invocation, 0, 'the digest')
  const { nimbus } = await openCluster(shell, invocation)
  await nimbus.call('deleteBlob', [digest])
  printOne(shell, invocation, { digest }, () => [`${shell.paint('green', '✔')} deleted`])
  return ExitCode.OK
}
