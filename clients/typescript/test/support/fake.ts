import { json } from '../../src/codec/json.ts';
import type { ClientFrame, ServerFrame } from '../../src/frames.ts';
import type { Link, LinkEvents, Transport } from '../../src/transport/transport.ts';

/** One connection, from the server's side. */
export class FakeLink implements Link {
  readonly sent: ClientFrame[] = [];
  readonly events: LinkEvents;
  readonly hello: readonly ClientFrame[];
  isClosed = false;

  constructor(hello: readonly ClientFrame[], events: LinkEvents) {
    this.hello = hello;
    this.events = events;
  }

  send(frames: readonly ClientFrame[]): void {
    this.sent.push(...frames);
  }

  close(): void {
    this.isClosed = true;
  }

  /** What was sent under a command's name. */
  commands(name: string): ClientFrame[] {
    return this.sent.filter((frame) => name in frame);
  }

  tell(...frames: ServerFrame[]): void {
    this.events.received(frames);
  }

  admit(fields: Record<string, unknown> = {}): void {
    this.events.opened();
    const inbox = { stream: 1, epoch: '00000000000000aa', offset: 0, delivered: 0 };
    const connected = { session: 's', secret: 'x', resumed: false, resume_ms: 1, user: 'alice', inbox, ping_ms: 25_000, ...fields };
    this.tell({ id: 0, connected } as ServerFrame);
  }

  /** Answers the last command of this name. */
  answer(name: string, answer: ServerFrame): void {
    const id = this.commands(name).at(-1)?.id;
    this.tell({ ...(id === undefined ? {} : { id }), ...answer });
  }
}

/** A server that does what the test says. */
export class FakeServer {
  readonly links: FakeLink[] = [];

  get last(): FakeLink {
    return this.links.at(-1)!;
  }

  transport(name: 'websocket' | 'sse' = 'websocket'): Transport {
    return {
      name,
      available: () => true,
      open: (_url, hello, _codec, events) => {
        const link = new FakeLink(json.decode(json.encode(hello)) as ClientFrame[], events);
        this.links.push(link);
        return link;
      },
    };
  }
}
