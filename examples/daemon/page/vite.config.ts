import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // The sources themselves: nothing has to be built before.
  resolve: {
    alias: {
      '@tidings/client': here('../../../clients/typescript/src/index.ts'),
      '@tidings/react/theme.css': here('../../../clients/react/theme.css'),
      '@tidings/react': here('../../../clients/react/src/index.ts'),
    },
    // One React, whoever imports it.
    dedupe: ['react', 'react-dom'],
  },
  // Names that the daemon knows; it says by an ETag when they have changed.
  build: {
    target: 'es2022',
    assetsDir: '',
    modulePreload: false,
    rolldownOptions: { output: { comments: { legal: true, annotation: false, jsdoc: false }, entryFileNames: 'page.js', assetFileNames: 'page[extname]', codeSplitting: false } },
  },
  // A daemon that runs beside `npm run dev`.
  server: { proxy: { '/ws': { target: 'ws://127.0.0.1:8080', ws: true }, '/sse': 'http://127.0.0.1:8080', '/trial': 'http://127.0.0.1:8080' } },
  test: { include: ['test/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 60_000, fileParallelism: false },
});
