import { defineConfig, type ViteUserConfig } from 'vitest/config'

// Two projects: what needs Node alone, and what needs a real peer from .peers/ (files named *.peer.test.ts).
// The limits are far off: no test judges by time, and two cores may be building a peer meanwhile.
const config: ViteUserConfig = defineConfig({
  test: {
    setupFiles: ['test/environment.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'house',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.peer.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: { name: 'peers', include: ['test/**/*.peer.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
      },
    ],
  },
})

export default config
