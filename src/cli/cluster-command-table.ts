/** Commands about a cluster, and its daemons: the second part of command-table.ts. */
import { type CommandRow, color, file, json, type OptionRow, output, settings } from './command-row.ts'

/** Which cluster, and how long a call may take. */
const reaching: readonly OptionRow[] = [
  { flags: '--context <name>', summary: 'a cluster by name, see typhoon context' },
  {
    flags: '--nimbus <address>',
    summary: 'a cluster by an address of Nimbus, host:port; several with commas',
  },
  {
    flags: '--timeout <duration>',
    summary: 'longest time of a call, or of the wait of a command that waits',
  },
]

const printing: readonly OptionRow[] = [output('table', 'json', 'jsonl'), json, color]
const common: readonly OptionRow[] = [...reaching, ...printing]
const yes: OptionRow = { flags: '-y, --yes', summary: 'do not ask; needed on production contexts in scripts' }
const follow: OptionRow = { flags: '-f, --follow', summary: 'go on with what is new, until Ctrl-C' }

const submitting: readonly OptionRow[] = [
  { flags: '--name <name>', summary: "instead of the topology's own name" },
  { flags: '--inactive', summary: 'do not activate it yet' },
  { flags: '--wait', summary: 'until its first tuple is acked' },
  {
    flags: '--dry-run',
    summary: 'show what would happen, and start nothing; what was uploaded for it is deleted in time',
  },
  yes,
  settings,
  file,
]

const topologyCommands: readonly CommandRow[] = [
  {
    name: 'submit',
    arguments: '<topology> [-- args...]',
    aliases: ['jar'],
    summary: 'Bundle a topology, show what it changes, upload it and start it on a cluster.',
    options: [...submitting, ...common],
    examples: [
      'typhoon submit src/word-count.ts -- --input data.txt',
      'typhoon submit word-count --context prod --wait -y',
      'typhoon submit src/orders.ts --dry-run -o json',
    ],
    completes: 'topology',
  },
  {
    name: 'diff',
    arguments: '<name> <topology> [-- args...]',
    summary: 'Show what a module would change against the running topology. Exit code 1: something.',
    options: [settings, file, ...common],
    examples: ['typhoon diff word-count src/word-count.ts'],
    completes: 'topology',
  },
  {
    name: 'list',
    summary: 'List the topologies of a cluster.',
    options: common,
    examples: ['typhoon list', "typhoon list -o json | jq -r '.topologies[].name'"],
  },
  {
    name: 'status',
    arguments: '<name>',
    summary: 'Show how a topology is. Exit code 1: not healthy.',
    options: [{ flags: '--wait <state>', summary: 'wait until it is so', choices: ['healthy'] }, ...common],
    examples: ['typhoon status word-count', 'typhoon status word-count --wait healthy --timeout 2m'],
  },
  {
    name: 'describe',
    arguments: '<name>',
    summary: 'Show a topology, its workers and its graph; or one component: name/component.',
    options: common,
    examples: ['typhoon describe word-count', 'typhoon describe word-count/split -o json'],
  },
  {
    name: 'kill',
    arguments: '<name>',
    summary: 'Stop the sources, finish what is in flight, remove the topology.',
    options: [
      { flags: '-w, --wait <duration>', summary: 'longest wait for tuples in flight; a number is seconds' },
      yes,
      ...common,
    ],
    examples: ['typhoon kill word-count', 'typhoon kill word-count -w 30s -y'],
  },
  {
    name: 'activate',
    arguments: '<name>',
    summary: 'Let the sources of a topology run.',
    options: common,
    examples: ['typhoon activate word-count'],
  },
  {
    name: 'deactivate',
    arguments: '<name>',
    summary: 'Stop the sources of a topology; what is in flight is finished.',
    options: [yes, ...common],
    examples: ['typhoon deactivate word-count'],
  },
  {
    name: 'rebalance',
    arguments: '<name>',
    summary: 'Change workers, executors or the scheduler; only what moves is stopped.',
    options: [
      { flags: '-n, --workers <n>', summary: 'how many workers' },
      { flags: '-e, --executors <component=n>', summary: 'how many executors', isRepeatable: true },
      { flags: '-t, --tasks <component=n>', summary: 'how many tasks', isRepeatable: true },
      { flags: '--scheduler <name>', summary: 'even, random, weighted or resource-aware' },
      { flags: '-w, --wait <duration>', summary: 'longest wait for tuples in flight; a number is seconds' },
      yes,
      ...common,
    ],
    examples: ['typhoon rebalance word-count -n 4', 'typhoon rebalance word-count -e split=4 -e count=8'],
  },
  {
    name: 'wait',
    arguments: '<operation>',
    summary: 'Wait for work that was left: a kill, a rebalance, a drain.',
    options: common,
    examples: ['typhoon wait op-17'],
  },
]

const lookingCommands: readonly CommandRow[] = [
  {
    name: 'top',
    arguments: '<name>',
    aliases: ['monitor'],
    summary: 'Show figures of a topology as they change.',
    options: [
      { flags: '-i, --interval <duration>', summary: 'time between two looks', default: '1s' },
      ...common,
    ],
    examples: ['typhoon top word-count', 'typhoon top word-count -o jsonl'],
  },
  {
    name: 'logs',
    arguments: '<name>',
    summary: 'Show log lines of the workers of a topology, or of one component: name/component.',
    options: [
      follow,
      { flags: '-n, --lines <n>', summary: 'how many of the last lines of each worker', default: '100' },
      { flags: '--worker <number>', summary: 'of one worker only' },
      { flags: '--grep <expression>', summary: 'lines that it finds' },
      { flags: '--level <level>', summary: 'this bad or worse', choices: ['debug', 'info', 'warn', 'error'] },
      { flags: '--since <duration>', summary: 'not older' },
      ...common,
    ],
    examples: ['typhoon logs word-count -f', 'typhoon logs word-count/split --level warn --since 10m'],
  },
  {
    name: 'errors',
    arguments: '<name>',
    aliases: ['get-errors'],
    summary: 'Show the errors of a topology, those with one code and place together.',
    options: common,
    examples: ['typhoon errors word-count', 'typhoon errors word-count -o json'],
  },
  {
    name: 'log-level',
    arguments: '<name> <assignment>',
    aliases: ['set_log_level'],
    summary: 'Set how much the workers of a topology say, for a time: logger=level.',
    options: [{ flags: '--for <duration>', summary: 'how long', default: '10m' }, ...common],
    examples: ['typhoon log-level word-count split=debug --for 5m'],
  },
  {
    name: 'events',
    summary: 'Show what has happened in the cluster.',
    options: [follow, { flags: '--after <id>', summary: 'from this event on' }, ...common],
    examples: ['typhoon events', 'typhoon events -f -o jsonl'],
  },
]

const clusterRows: readonly CommandRow[] = [
  {
    name: 'cluster status',
    summary: 'Show the cluster as a whole. Exit code 1: no leader, or no ZooKeeper.',
    options: common,
    examples: ['typhoon cluster status', 'typhoon cluster status --nimbus nimbus-1:6627 -o json'],
  },
  {
    name: 'cluster nodes',
    summary: 'Show the nodes, what they have and use, and which are at risk.',
    options: common,
    examples: ['typhoon cluster nodes'],
  },
  {
    name: 'cluster slots',
    summary: 'Show the slots, and what runs in them.',
    options: common,
    examples: ['typhoon cluster slots'],
  },
  {
    name: 'node drain',
    arguments: '<node>',
    summary: 'Move everything off a node, with its keyed state, and keep it empty.',
    options: [yes, ...common],
    examples: ['typhoon node drain node-3'],
  },
  {
    name: 'node undrain',
    arguments: '<node>',
    summary: 'Let a node take workers again.',
    options: common,
    examples: ['typhoon node undrain node-3'],
  },
  {
    name: 'zk ls',
    arguments: '[path]',
    summary: 'List names below a path of our tree in ZooKeeper.',
    options: common,
    examples: ['typhoon zk ls /topologies'],
  },
  {
    name: 'zk get',
    arguments: '<path>',
    summary: 'Show a record of our tree in ZooKeeper, secrets masked.',
    options: common,
    examples: ['typhoon zk get /leader/epoch'],
  },
  {
    name: 'zk dump',
    arguments: '[path]',
    summary: 'Show all records below a path, as JSON.',
    options: common,
    examples: ['typhoon zk dump > board.json'],
  },
  {
    name: 'blob list',
    summary: 'List blobs: bundles, outlines, state on its way.',
    options: common,
    examples: ['typhoon blob list'],
  },
  {
    name: 'blob get',
    arguments: '<digest> <file>',
    summary: 'Write a blob into a file.',
    options: common,
    examples: ['typhoon blob get 9f86d08188… bundle.mjs'],
  },
  {
    name: 'blob put',
    arguments: '<file>',
    summary: 'Store a file as a blob, and print its digest.',
    options: common,
    examples: ['typhoon blob put bundle.mjs'],
  },
  {
    name: 'blob delete',
    arguments: '<digest>',
    summary: 'Delete a blob that no topology needs.',
    options: common,
    examples: ['typhoon blob delete 9f86d08188…'],
  },
  {
    name: 'api',
    arguments: '<method> <path>',
    summary: 'Ask the API of Nimbus as it is; reads only.',
    options: common,
    examples: ['typhoon api GET /topologies', 'typhoon api GET /openapi.json'],
  },
]

const contextCommands: readonly CommandRow[] = [
  {
    name: 'context list',
    summary: 'List the clusters that have names.',
    options: printing,
    examples: ['typhoon context list'],
  },
  {
    name: 'context use',
    arguments: '<name>',
    summary: 'Make a cluster the one that is meant when none is named.',
    options: printing,
    examples: ['typhoon context use prod'],
  },
  {
    name: 'context set',
    arguments: '<name>',
    summary: 'Give a cluster a name, or change what stands under it.',
    options: [
      { flags: '--nimbus <addresses>', summary: 'host:port, several with commas' },
      { flags: '--production', summary: 'dangerous actions ask for the name first' },
      { flags: '--token-file <path>', summary: 'file with the token to show' },
      { flags: '--tls-ca <path>', summary: 'authority that signed the certificates of Nimbus' },
      { flags: '--tls-cert <path>', summary: 'own certificate' },
      { flags: '--tls-key <path>', summary: 'its key' },
      ...printing,
    ],
    examples: ['typhoon context set prod --nimbus nimbus-1:6627,nimbus-2:6627 --production'],
  },
  {
    name: 'context show',
    arguments: '[name]',
    summary: 'Show what stands under a name.',
    options: printing,
    examples: ['typhoon context show prod'],
  },
  {
    name: 'context remove',
    arguments: '<name>',
    summary: 'Forget a name. Whichever it was, the cluster behind it is not touched.',
    options: printing,
    examples: ['typhoon context remove old'],
  },
]

const serving: readonly OptionRow[] = [settings, file, color]

const daemonCommands: readonly CommandRow[] = [
  {
    name: 'nimbus',
    summary: 'Run a Nimbus in this process: the leader of the cluster, or a standby.',
    options: serving,
    examples: ['typhoon nimbus --config typhoon.yaml', 'typhoon nimbus -c nimbus.port=6628'],
  },
  {
    name: 'supervisor',
    summary: 'Run the supervisor of this node in this process; its workers are processes of their own.',
    options: serving,
    examples: ['typhoon supervisor --config typhoon.yaml'],
  },
  {
    name: 'dev-cluster',
    summary: 'Run a whole cluster on this machine, on the ZooKeeper configured or on one in memory.',
    options: [
      { flags: '--supervisors <n>', summary: 'how many', default: '1' },
      { flags: '-w, --workers <n>', summary: 'slots of each supervisor', default: '4' },
      ...serving,
    ],
    examples: ['typhoon dev-cluster', 'typhoon dev-cluster --supervisors 2 -w 2'],
  },
]

export const clusterCommands: readonly CommandRow[] = [
  ...topologyCommands,
  ...lookingCommands,
  ...clusterRows,
  ...contextCommands,
  ...daemonCommands,
]
