// Writes src/codes.ts from the table that every language shares. `--check` only says whether it is up to date.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const table = fileURLToPath(new URL('../../../conformance/codes.json', import.meta.url));
const target = fileURLToPath(new URL('../src/codes.ts', import.meta.url));

const { codes } = JSON.parse(readFileSync(table, 'utf8'));
const key = ({ name, closes }) => {
  const camel = name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  return closes ? `close${camel[0].toUpperCase()}${camel.slice(1)}` : camel;
};
const names = { ...Object.fromEntries(codes.map((code) => [key(code), code.number])) };
const constant = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
const text = `// Written by \`npm run codes\` from conformance/codes.json: the codes of errors (2000 to 2999) and of closed connections
// (3000 and above), as docs/protocol.md tells them.

${Object.entries(names).map(([name, number]) => `export const ${constant(name)} = ${number};`).join('\n')}

/** All of them by name. */
export const CODES = {
${Object.keys(names).map((name) => `  ${name}: ${constant(name)},`).join('\n')}
} as const;
`;

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('src/codes.ts is not what conformance/codes.json says: npm run codes');
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
