// Says whether dist/ is what these sources make: the daemon takes it in, and whoever builds that needs no npm.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const kept = join(root, 'dist');
const fresh = mkdtempSync(join(tmpdir(), 'tidings-page-'));
try {
  await build({ root, logLevel: 'warn', build: { outDir: fresh, emptyOutDir: true } });
  const names = [...new Set([...readdirSync(kept), ...readdirSync(fresh)])];
  const read = (folder, name) => {
    try {
      return readFileSync(join(folder, name));
    } catch {
      return null;
    }
  };
  const other = names.filter((name) => {
    const [old, now] = [read(kept, name), read(fresh, name)];
    return old === null || now === null || !old.equals(now);
  });
  if (other.length > 0) {
    console.error(`dist/ is not what the sources make (${other.join(', ')}): run \`npm run build\` in examples/daemon/page and commit it`);
    process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
