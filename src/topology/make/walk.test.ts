// Goal: who feeds whom, and where it goes round. Method: graphs in a line, `a>b` for "b reads a".
import { expect, test } from 'vitest'
import { bolt } from '../bolt.ts'
import { type ComponentDefinition, definitionOf } from '../definition.ts'
import type { Component } from '../topology.ts'
import { cyclesOf, downstreamOf, upstreamOf } from './walk.ts'

function graph(edges: string): ReadonlyMap<string, Component> {
  const pairs = edges.split(' ').map((edge) => edge.split('>'))
  const definition = definitionOf(bolt({ execute() {} })) as ComponentDefinition
  const components = new Map<string, Component>()
  for (const id of new Set(pairs.flat())) {
    const sources = pairs.filter(([, reader]) => reader === id).map(([source = '']) => source)
    const inputs = sources.map((componentId) => {
      return { componentId, streamId: 'default', grouping: { kind: 'shuffle' }, where: undefined } as const
    })
    components.set(id, { id, definition, placement: {}, inputs, where: undefined })
  }
  return components
}

test('downstream and upstream, over any number of steps, with oneself', () => {
  const components = graph('a>b b>c d>c c>e')
  expect([...downstreamOf(components, ['b'])].sort()).toEqual(['b', 'c', 'e'])
  expect([...upstreamOf(components, 'c')].sort()).toEqual(['a', 'b', 'c', 'd'])
})

test('walks end where it goes round', () => {
  const components = graph('a>b b>a b>c')
  expect([...downstreamOf(components, ['a'])].sort()).toEqual(['a', 'b', 'c'])
})

const cycles: readonly [string, readonly string[]][] = [
  ['a>b b>c a>c', []],
  ['a>a', ['a a']],
  ['s>a a>b b>a', ['a b a']],
  ['s>a a>b b>c c>a b>a', ['a b a']],
  ['a>b b>a c>d d>c', ['a b a', 'c d c']],
  ['a>b b>a b>c c>d d>c', ['a b a', 'c d c']],
]

test.each(cycles)('circles of %s', (edges, expected) => {
  expect(cyclesOf(graph(edges)).map((cycle) => cycle.join(' '))).toEqual(expected)
})
