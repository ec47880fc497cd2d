/**
 * Tests run from source: the `@omma/source` condition resolves `@omma/core` to packages/core/src/index.ts, so that
 * an edit needs no build before its test. Whatever starts a program (the command line, tools) uses dist.
 */
import { defineConfig } from 'vitest/config';

const conditions = ['@omma/source', 'module', 'node', 'development|production', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['@omma/source', 'node', 'import', 'default'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'tools/test/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 60_000,
    // Test files run side by side on the same cores, where a thread that spins at a barrier only keeps another from working.
    env: { GOMP_SPINCOUNT: '20000' },
  },
});
