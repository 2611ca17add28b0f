import { json } from '../codec/json.ts';
import type { ClientFrame } from '../frames.ts';
import type { LinkEvents, Transport } from './transport.ts';

type Fetch = typeof globalThis.fetch;

/** What waits to be sent up, at most, in frames: with more the connection counts as dead. */
const UP_MAX = 10_000;

/** Time for one request that carries frames up. */
const UP_TIMEOUT_MS = 15_000;

/**
 * Frames over HTTP alone, at `/sse`: down by a `text/event-stream` that never ends, up by POST. Always JSON. It is for
 * places where WebSockets are blocked, and for Node before version 22, which has none.
 */
export const serverSentEvents = (fetch: Fetch | undefined = globalThis.fetch): Transport => ({
  name: 'sse',
  available: () => fetch !== undefined && typeof ReadableStream !== 'undefined',
  open(url, hello, _codec, events) {
    const down = new Down(fetch!, `${url.replace(/^ws/, 'http')}/sse`, events);
    void down.run(hello);
    return down;
  },
});

class Down {
  readonly #fetch: Fetch;
  readonly #url: string;
  readonly #events: LinkEvents;
  readonly #abort = new AbortController();
  #over = false;
  #session: { id: string; secret: string } | null = null;
  #up: ClientFrame[] = [];
  #posting = false;

  constructor(fetch: Fetch, url: string, events: LinkEvents) {
    this.#fetch = fetch;
    this.#url = url;
    this.#events = events;
  }

  async run(hello: readonly ClientFrame[]): Promise<void> {
    try {
      const response = await this.#request(json.encode(hello) as string, { Accept: 'text/event-stream' }, this.#abort.signal);
      if (!response.ok || response.body === null) return this.#refused(response);
      this.#events.opened();
      await this.#read(response.body.getReader());
      this.#end(1006, 'the stream has ended');
    } catch (error) {
      this.#end(1006, String(error));
    }
  }

  send(frames: readonly ClientFrame[]): void {
    if (this.#over) return;
    this.#up.push(...frames);
    if (this.#up.length > UP_MAX) return this.#end(1006, 'the server takes nothing');
    void this.#post();
  }

  close(): void {
    this.#over = true;
    this.#abort.abort();
  }

  /** One request at a time, so that frames come in the order in which they were sent. */
  async #post(): Promise<void> {
    if (this.#posting || this.#session === null) return;
    this.#posting = true;
    while (this.#up.length > 0 && !this.#over) {
      const frames = this.#up.splice(0, 256);
      try {
        const { id, secret } = this.#session;
        const headers = { 'Tidings-Session': id, 'Tidings-Secret': secret };
        const signal = AbortSignal.timeout(UP_TIMEOUT_MS);
        const response = await this.#request(json.encode(frames) as string, headers, signal);
        if (!response.ok) this.#end(1006, `the server answered ${response.status}`);
        await response.body?.cancel();
      } catch (error) {
        this.#end(1006, String(error));
      }
    }
    this.#posting = false;
  }

  #request(body: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const all = { 'Content-Type': 'application/json', ...headers };
    return this.#fetch(this.#url, { method: 'POST', body, headers: all, signal, cache: 'no-store', credentials: 'omit' });
  }

  async #refused(response: Response): Promise<void> {
    const text = await response.text().catch(() => '');
    this.#end(response.status === 401 ? 3500 : 1006, `the server answered ${response.status}: ${text.slice(0, 200)}`);
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const text = new TextDecoder();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#over) return;
      rest += text.decode(value, { stream: true });
      const blocks = rest.split('\n\n');
      rest = blocks.pop()!;
      const lines = blocks.flatMap((block) => block.split('\n')).filter((line) => line.startsWith('data: '));
      const frames = json.decode(lines.map((line) => line.slice(6)).join('\n'));
      // A comment is the server's ping.
      if (blocks.length > 0 && frames.length === 0) frames.push({ ping: {} });
      const connected = frames.find((frame) => frame.connected)?.connected;
      if (connected !== undefined) this.#session = { id: connected.session, secret: connected.secret };
      this.#events.received(frames);
      void this.#post();
    }
  }

  #end(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#abort.abort();
    this.#events.ended(code, reason);
  }
}
