import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { ClosingLine } from './tools/closing-line.ts'

const doors: Record<string, string> = {
  typhoon: 'src/index.ts',
  'typhoon/files': 'src/connect/files/index.ts',
  'typhoon/testing': 'src/testing/index.ts',
  'typhoon/config': 'src/config/index.ts',
  'typhoon/client': 'src/rpc/client/index.ts',
}

// Tests see one copy of the code, the sources, by whichever way they import it: two copies would break `instanceof`.
// That the built package works as well is tested by running it in processes of its own.
const alias = Object.entries(doors).map(([door, file]) => ({
  find: new RegExp(`^${door}$`),
  replacement: fileURLToPath(new URL(file, import.meta.url)),
}))

export default defineConfig({
  resolve: { alias },
  test: {
    reporters: ['default', new ClosingLine()],
    maxWorkers: '100%',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'tools/**/*.test.ts'],
          // Unit tests touch no clock, no global and no port, so they may share a process. That is the whole speed.
          isolate: false,
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'suite',
          include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: ['test/fixtures/**'],
          globalSetup: ['test/servers/global-setup.ts'],
          isolate: true,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/**/*.test.ts'] },
  },
})
