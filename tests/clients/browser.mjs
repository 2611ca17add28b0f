// Chromium's own WebSocket. The test that starts this says what it wants, a JSON value a line: a page to be opened at one
// of the two origins, and code to be run in it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { serve } from './pages.mjs';
import { listen } from './wire.mjs';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const [executablePath] = process.argv.slice(2);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/** Runs `code` in a page of `origin`, with `input`. What the console says of it goes with the result. */
async function inPage(browser, origin, code, input) {
  const page = await browser.newPage();
  const console = [];
  page.on('console', (message) => console.push(message.text()));
  page.on('pageerror', (error) => console.push(String(error)));
  await page.goto(origin);
  try {
    const result = await page.evaluate(
      ([text, given]) => new Function('input', `return (async () => { ${text} })()`)(given),
      [code, input],
    );
    return { result, console };
  } catch (error) {
    return { error: String(error), console };
  } finally {
    await page.close();
  }
}

const folder = await mkdtemp(join(tmpdir(), 'tidings-browser-'));
const [home, stranger] = [await serve(), await serve()];
let browser;
try {
  // A folder of its own: no run sees what another left.
  browser = await chromium.launchPersistentContext(folder, { executablePath, headless: true, args: FLAGS });
  say({ home: home.origin, stranger: stranger.origin });
  const hear = listen();
  for (let wanted = await hear(); wanted !== null; wanted = await hear()) {
    say(await inPage(browser, wanted.origin, wanted.code, wanted.input));
  }
} finally {
  await browser?.close();
  home.end();
  stranger.end();
  await rm(folder, { recursive: true, force: true });
}
