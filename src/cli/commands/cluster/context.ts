/** `typhoon context list | use | set | show | remove`: clusters by name, in the user's own file. */
import type { ContextConfig } from '../../../config/cluster-config.ts'
import { type Contexts, contextsText, targetOf } from '../../../rpc/client/contexts.ts'
import { readContexts } from '../../../rpc/client/node-connect.ts'
import { printListing, printOne } from '../../cluster/print.ts'
import { argument } from '../../cluster/session.ts'
import { ExitCode } from '../../exit-code.ts'
import { CommandFailure } from '../../failure.ts'
import type { Invocation } from '../../invocation.ts'
import { findProject } from '../../load/project.ts'
import type { Shell } from '../../shell.ts'

export async function contextList(shell: Shell, invocation: Invocation): Promise<number> {
  const { own, project, chosen } = await known(shell)
  const rows = [
    ...Object.entries(own.contexts).map(([name, each]) => row(name, each, shell.short(own.path))),
    ...Object.entries(project).map(([name, each]) => row(name, each, 'project')),
  ]
  printListing(shell, invocation, {
    name: 'contexts',
    rows: rows.map((each) => ({ ...each, isDefault: each.name === chosen })),
    columns: [
      { title: '' },
      { title: 'NAME' },
      { title: 'NIMBUS' },
      { title: 'PRODUCTION' },
      { title: 'FROM' },
    ],
    cells: ({ name, nimbus, isProduction, from, isDefault }) => [
      isDefault ? { text: '▶', style: 'green' } : '',
      name,
      nimbus.join(', '),
      isProduction ? { text: 'yes', style: 'yellow' } : 'no',
      from,
    ],
    empty: 'there are no contexts; typhoon context set NAME --nimbus host:port makes one',
  })
  return ExitCode.OK
}

export async function contextShow(shell: Shell, invocation: Invocation): Promise<number> {
  const { own, project, chosen } = await known(shell)
  const name = invocation.args[0] ?? chosen
  if (name === undefined) {
    throw new CommandFailure('there is no default context', { fix: 'typhoon context use NAME' })
  }
  const { seeds, isProduction, tokenFile, tls } = targetOf(name, { ...own.contexts, ...project })
  const document = { name, nimbus: seeds, isProduction, tokenFile: tokenFile ?? null, tls: tls ?? null }
  printOne(shell, invocation, document, () => [
    `name        ${name}`,
    `nimbus      ${seeds.join(', ')}`,
    `production  ${isProduction ? 'yes' : 'no'}`,
    `token       ${tokenFile ?? 'none'}`,
    `tls         ${tls === undefined ? 'no' : Object.values(tls).join(', ')}`,
  ])
  return ExitCode.OK
}

export async function contextUse(shell: Shell, invocation: Invocation): Promise<number> {
  const name = argument(invocation, 0, 'the context')
  const { own, project } = await known(shell)
  targetOf(name, { ...own.contexts, ...project })
  await write(shell, own.path, { ...own, default: name })
  printOne(shell, invocation, { default: name }, () => [
    `${shell.paint('green', '✔')} ${name} is the default`,
  ])
  return ExitCode.OK
}

export async function contextSet(shell: Shell, invocation: Invocation): Promise<number> {
  const name = argument(invocation, 0, 'the context')
  const { own } = await known(shell)
  const before = own.contexts[name]
  const nimbus = invocation.text('nimbus')?.split(',') ?? before?.nimbus
  if (nimbus === undefined) throw new CommandFailure('--nimbus host:port is missing')
  const tls = {
    ...before?.tls,
    ...given('ca', invocation.text('tlsCa')),
    ...given('cert', invocation.text('tlsCert')),
    ...given('key', invocation.text('tlsKey')),
  }
  const tokenFile = invocation.text('tokenFile') ?? before?.tokenFile
  const context: ContextConfig = {
    nimbus,
    ...(invocation.flag('production') || before?.production === true ? { production: true } : {}),
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  }
  // The first one is what is meant when nothing is said.
  const chosen = own.default ?? name
  await write(shell, own.path, { default: chosen, contexts: { ...own.contexts, [name]: context } })
  printOne(shell, invocation, { name, ...context }, () => [`${shell.paint('green', '✔')} ${name} is set`])
  return ExitCode.OK
}

export async function contextRemove(shell: Shell, invocation: Invocation): Promise<number> {
  const name = argument(invocation, 0, 'the context')
  const { own, project } = await known(shell)
  if (Object.hasOwn(project, name) && !Object.hasOwn(own.contexts, name)) {
    const fix = `take ${name} out of its contexts`
    throw new CommandFailure(`${name} stands in the configuration of the project`, { fix })
  }
  targetOf(name, own.contexts)
  const { [name]: _removed, ...contexts } = own.contexts
  const wasDefault = own.default === name
  await write(shell, own.path, { default: wasDefault ? undefined : own.default, contexts })
  printOne(shell, invocation, { removed: name, wasDefault }, () => [
    `${shell.paint('green', '✔')} ${name} is removed`,
    ...(wasDefault ? ['it was the default: typhoon context use NAME chooses another'] : []),
  ])
  return ExitCode.OK
}

async function known(shell: Shell) {
  const own = await readContexts()
  const config = (await findProject(shell))?.config
  const project: Readonly<Record<string, ContextConfig>> = config?.contexts ?? {}
  return { own, project, chosen: config?.defaultContext ?? own.default }
}

function row(name: string, { nimbus, production }: ContextConfig, from: string) {
  const addresses = typeof nimbus === 'string' ? [nimbus] : nimbus
  return { name, nimbus: addresses, isProduction: production === true, from }
}

function given(name: string, value: string | undefined): Readonly<Record<string, string>> {
  return value === undefined ? {} : { [name]: value }
}

/** Whole, then in its place: a reader sees the old file or the new one. */
async function write({ files }: Shell, path: string, contexts: Contexts): Promise<void> {
  const bytes = new TextEncoder().encode(contextsText(contexts))
  await files.makeDirectory(files.resolve(path, '..'))
  const file = await files.open(`${path}.new`, 'create')
  await file.write(bytes, 0)
  await file.close()
  await files.rename(`${path}.new`, path)
}
