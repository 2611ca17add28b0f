import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { '@tidings/client': fileURLToPath(new URL('../typescript/src/index.ts', import.meta.url)) } },
  test: { include: ['test/**/*.test.tsx'], environment: 'jsdom', testTimeout: 30_000 },
});
