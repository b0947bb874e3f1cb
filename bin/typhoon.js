#!/usr/bin/env node
// The command. Written so that even a very old Node can parse it, because telling the user that his Node is too old is
// its first duty: no optional chaining, no top-level await, no static import.
const NODE_MIN = [22, 22]
const EXIT_USAGE = 2
const EXIT_BUG = 70

const [major, minor] = process.versions.node.split('.').map(Number)
const [majorMin, minorMin] = NODE_MIN

if (major < majorMin || (major === majorMin && minor < minorMin)) {
  process.stderr.write(
    `typhoon: this is Node ${process.versions.node}, and Typhoon needs Node ${NODE_MIN.join('.')} or newer\n` +
      '  fix: install Node 24 (LTS), or run it from npm: npx -p node@24 -p typhoon typhoon\n',
  )
  process.exitCode = EXIT_USAGE
} else {
  process.setSourceMapsEnabled(true)
  import('node:module')
    .then((nodeModule) => nodeModule.enableCompileCache())
    .then(() => import('../dist/cli/main.js'))
    .then((cli) => cli.main(process.argv.slice(2)))
    .then((code) => {
      if (typeof code === 'number') process.exitCode = code
    })
    .catch((error) => {
      process.stderr.write(`typhoon: ${error.stack}\n`)
      process.exitCode = EXIT_BUG
    })
}
