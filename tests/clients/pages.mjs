// A server of one page, on a port of its own, and the client in that page.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const packages = createRequire(import.meta.url);

/** Serves the page. Returns its origin and how to end it. */
export async function serve() {
  const scripts = {
    '/page.js': new URL('page.js', import.meta.url),
    '/msgpack.js': packages.resolve('@msgpack/msgpack').replace(/dist\.[^/]+\/.*$/, 'dist.umd/msgpack.min.js'),
  };
  const html = '<!doctype html><meta charset="utf-8"><title>page</title>'
    + Object.keys(scripts).map((path) => `<script src="${path}"></script>`).join('');
  const server = createServer(async (request, response) => {
    const script = scripts[request.url];
    if (script !== undefined) {
      response.setHeader('content-type', 'text/javascript; charset=utf-8').end(await readFile(script));
    } else if (request.url === '/') {
      response.setHeader('content-type', 'text/html; charset=utf-8').end(html);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const end = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, end };
}
