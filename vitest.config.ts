import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Native addons can crash in the threads pool; forks isolates them.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // The default, a second, is a time limit for the machine: what is polled for comes, or never does.
    expect: { poll: { timeout: 60_000 } },
  },
});
