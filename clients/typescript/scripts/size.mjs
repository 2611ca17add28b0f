// What a page has to load, bundled, minified and compressed by gzip: at most so many bytes.

import { buildSync } from 'esbuild';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';

export const BUDGETS = { 'index.ts': 12 * 1024, 'json.ts': 8 * 1024 };

export const sizeOf = (entry) => {
  const source = fileURLToPath(new URL(`../src/${entry}`, import.meta.url));
  const [{ contents }] = buildSync({
    // As an application has it: it imports one name, and what that does not need is left out.
    stdin: { contents: `export { connect } from ${JSON.stringify(source)};`, resolveDir: '.' }, bundle: true, minify: true, format: 'esm', target: 'es2022', write: false,
  }).outputFiles;
  return gzipSync(contents, { level: 9 }).length;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [entry, most] of Object.entries(BUDGETS)) {
    const size = sizeOf(entry);
    console.log(`${entry}: ${size} bytes of ${most}`);
    if (size > most) process.exitCode = 1;
  }
}
