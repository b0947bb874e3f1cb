import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const files = readdirSync(join(import.meta.dirname, 'guide'))

test('the guide shows exactly the files that are run here', () => {
  const guide = readFileSync(join(root, 'docs/guide/testing.md'), 'utf8')
  const shown = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code)
  const run = files.map((file) => readFileSync(join(import.meta.dirname, 'guide', file), 'utf8'))
  expect(shown.toSorted()).toEqual(run.toSorted())
})
