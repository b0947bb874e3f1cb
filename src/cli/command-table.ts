/**
 * Every command, once: name, arguments, options, examples.
 *
 * Route: this table (with cluster-command-table.ts) → command-line.ts (what is understood, and its help),
 * completion.ts, docs/reference/cli.md.
 *
 * Does not know: what the commands do. Invariant: only commands that exist stand here.
 */

import { clusterCommands } from './cluster-command-table.ts'
import { type CommandRow, color, file, json, type OptionRow, output, settings } from './command-row.ts'

const running: readonly OptionRow[] = [
  { flags: '-w, --workers <n>', summary: 'how many workers; here they share one process' },
  { flags: '--for <duration>', summary: 'stop after this time: 60s, 5m' },
  {
    flags: '--directory <path>',
    summary: 'where positions of sources are kept, a folder per topology',
    default: 'typhoon-local',
  },
  { flags: '--fresh', summary: 'forget the positions kept, and read sources from their beginning' },
  settings,
  file,
]

const localCommands: readonly CommandRow[] = [
  {
    name: 'run',
    arguments: '<topology> [-- args...]',
    aliases: ['local'],
    summary: 'Run a topology in this process until its sources end, or it is stopped.',
    options: [...running, output('table', 'json', 'jsonl'), json, color],
    examples: [
      'typhoon run src/word-count.ts',
      'typhoon run word-count -c topology.workers=2 -- --input data/sample.txt',
      'typhoon run src/orders.ts --for 60s -o jsonl',
    ],
    completes: 'topology',
  },
  {
    name: 'dev',
    arguments: '<topology> [-- args...]',
    summary: 'Run a topology, and reload it whenever one of its files is saved.',
    options: [...running, output('table', 'jsonl'), color],
    examples: ['typhoon dev src/word-count.ts', 'typhoon dev word-count --workers 2'],
    completes: 'topology',
  },
  {
    name: 'check',
    arguments: '[topologies...] [-- args...]',
    summary:
      'Find what is wrong with topologies, without running them. Without arguments: all of the project.',
    options: [
      { flags: '--strict', summary: 'warnings count as errors' },
      settings,
      file,
      output('table', 'json', 'jsonl'),
      json,
      color,
    ],
    examples: ['typhoon check', 'typhoon check src/word-count.ts --strict', 'typhoon check -o json'],
    completes: 'topology',
  },
  {
    name: 'graph',
    arguments: '<topology> [-- args...]',
    summary: 'Draw the graph of a topology.',
    options: [
      {
        flags: '-f, --format <form>',
        summary: 'how it is drawn',
        default: 'text',
        choices: ['text', 'mermaid', 'dot', 'svg', 'json'],
      },
      settings,
      file,
      { ...output('text', 'json'), summary: 'the same for scripts' },
      json,
      color,
    ],
    examples: ['typhoon graph src/word-count.ts', 'typhoon graph word-count --format svg > word-count.svg'],
    completes: 'topology',
  },
  {
    name: 'explain',
    arguments: '<code-or-key>',
    summary: 'Say what an error code or a configuration key means, and what to do.',
    options: [output('table', 'json'), json, color],
    examples: [
      'typhoon explain E1004',
      'typhoon explain unknown-field',
      'typhoon explain topology.max.spout.pending',
    ],
    completes: 'code',
  },
  {
    name: 'config explain',
    arguments: '[key]',
    summary: 'Show what holds for a configuration key, and who said so. Without a key: all that is set.',
    options: [
      { flags: '-t, --topology <topology>', summary: "with this topology's own configuration" },
      settings,
      file,
      output('table', 'json', 'jsonl'),
      json,
      color,
    ],
    examples: [
      'typhoon config explain',
      'typhoon config explain topology.max.spout.pending',
      'typhoon config explain messageTimeout -t word-count',
    ],
    completes: 'key',
  },
  {
    name: 'doctor',
    summary: 'Look at the machine and the project, and say what would get in the way.',
    options: [
      {
        flags: '--directory <path>',
        summary: 'where positions of sources would be kept',
        default: 'typhoon-local',
      },
      file,
      output('table', 'json', 'jsonl'),
      json,
      color,
    ],
    examples: ['typhoon doctor', 'typhoon doctor -o json'],
  },
  {
    name: 'version',
    summary: 'Print the versions of Typhoon and of Node.',
    options: [output('table', 'json'), json, color],
    examples: ['typhoon version', 'typhoon version -o json'],
  },
  {
    name: 'completion',
    arguments: '<shell>',
    summary: 'Print a script that lets a shell complete commands and options.',
    options: [color],
    examples: [
      'source <(typhoon completion bash)',
      'typhoon completion zsh > ~/.zfunc/_typhoon',
      'typhoon completion fish > ~/.config/fish/completions/typhoon.fish',
      'typhoon completion pwsh | Out-String | Invoke-Expression',
    ],
    completes: ['bash', 'zsh', 'fish', 'pwsh'],
  },
]

export const commandTable: readonly CommandRow[] = [...localCommands, ...clusterCommands]
