/** Texts: marks of unfinished work, and traces of one machine or one registry, in any file. */
import type { Finding, Tree } from '../tree.ts'

// Put together from pieces, so that this file does not find itself.
const unfinished = new RegExp(`\\b(${['TO', 'DO|FIX', 'ME|XX', 'X|HA', 'CK'].join('')})\\b`)
const machinePath = new RegExp(
  `(?<![\\w.~*}/-])/(${['work', 'farm', 'tmp', 'home/\\w+', 'Users/\\w+'].join('|')})/`,
)
const registryHost = /https?:\/\/[a-z0-9.-]*(npm|maven|pypi|pythonhosted|crates|golang|debian)[a-z0-9.-]*\//i
const lockAddress = /"resolved": *"http/
/** The name of an XML namespace looks like an address and is none. */
const xmlNamespace = /http:\/\/maven\.apache\.org\/(POM|xsd)\//g

const rules = [
  {
    rule: 'texts/unfinished',
    files: /\.(ts|mjs|js)$/,
    pattern: unfinished,
    text: 'finish it, or write a decision record that says what is left and why',
  },
  {
    rule: 'texts/machine-path',
    files: /./,
    pattern: machinePath,
    text: 'a path of one machine: take it from the user, or from the directory for temporary files',
  },
  {
    rule: 'texts/registry',
    files: /./,
    pattern: registryHost,
    text: 'a registry address: name the package only; where it comes from is for the machine to know',
  },
  {
    rule: 'texts/registry',
    files: /package-lock\.json$/,
    pattern: lockAddress,
    text: 'a download address in the lock file: install again with the .npmrc of this repository',
  },
] as const

/** Lines with a text that must not be there. */
export function findBadTexts(tree: Tree): Finding[] {
  const found: Finding[] = []
  for (const file of tree.paths) {
    const applying = rules.filter(({ files }) => files.test(file))
    for (const [index, line] of tree.lines(file).entries()) {
      const searched = line.replace(xmlNamespace, '')
      for (const { rule, pattern, text } of applying) {
        if (pattern.test(searched)) found.push({ file, line: index + 1, rule, text })
      }
    }
  }
  return found
}
