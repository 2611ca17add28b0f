import type { Link, LinkEvents, Transport } from '@tidings/client';

/** A frame that went over the wire, as JSON has it. */
export interface Seen {
  readonly id: number;
  readonly isUp: boolean;
  readonly at: number;
  readonly way: 'websocket' | 'sse';
  readonly name: string;
  readonly text: string;
}

/** Most frames that are shown. */
const SEEN_MAX = 200;

/** This window's wire: it can be cut, the first way can be blocked, and what goes over it is seen. */
export class Wire {
  #isCut = false;
  #isBlocked = false;
  #seen: readonly Seen[] = [];
  #count = 0;
  readonly #links = new Set<{ end: () => void; way: Transport['name'] }>();
  readonly #listeners = new Set<() => void>();

  get isCut(): boolean {
    return this.#isCut;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  get seen(): readonly Seen[] {
    return this.#seen;
  }

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  };

  /** Takes this window off the network, and lets it back. */
  cut(isCut: boolean): void {
    this.#isCut = isCut;
    this.#end(() => isCut);
  }

  /** Lets no WebSocket through, as some networks do. */
  block(isBlocked: boolean): void {
    this.#isBlocked = isBlocked;
    this.#end((way) => isBlocked && way === 'websocket');
  }

  clear(): void {
    this.#seen = [];
    this.#changed();
  }

  over(inner: Transport): Transport {
    return { name: inner.name, available: () => inner.available(), open: (url, hello, codec, events) => this.#open(inner, url, hello, codec, events) };
  }

  #open(inner: Transport, ...[url, hello, codec, events]: Parameters<Transport['open']>): Link {
    if (this.#isCut || (this.#isBlocked && inner.name === 'websocket')) {
      const late = setTimeout(() => events.ended(1006, this.#isCut ? 'this window is offline' : 'WebSockets are blocked'), 0);
      return { send: () => {}, close: () => clearTimeout(late) };
    }
    this.#see(true, inner.name, hello);
    const link = inner.open(url, hello, codec, this.#events(events, inner.name, () => this.#links.delete(open)));
    const open = {
      way: inner.name,
      end: () => {
        this.#links.delete(open);
        link.close();
        events.ended(1006, this.#isCut ? 'this window is offline' : 'WebSockets are blocked');
      },
    };
    this.#links.add(open);
    return {
      send: (frames) => {
        this.#see(true, inner.name, frames);
        link.send(frames);
      },
      close: () => {
        this.#links.delete(open);
        link.close();
      },
    };
  }

  #events(events: LinkEvents, way: Transport['name'], over: () => void): LinkEvents {
    return {
      opened: () => events.opened(),
      received: (frames) => {
        this.#see(false, way, frames);
        events.received(frames);
      },
      ended: (code, reason) => {
        over();
        events.ended(code, reason);
      },
    };
  }

  #end(which: (way: Transport['name']) => boolean): void {
    for (const link of [...this.#links]) if (which(link.way)) link.end();
    this.#changed();
  }

  #see(isUp: boolean, way: Transport['name'], frames: readonly object[]): void {
    const at = Date.now();
    const fresh = frames.map((frame): Seen => {
      const name = Object.keys(frame).find((key) => key !== 'id') ?? '';
      return { id: this.#count++, isUp, at, way, name, text: JSON.stringify(frame, hidden) };
    });
    this.#seen = [...this.#seen, ...fresh].slice(-SEEN_MAX);
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** What proves who somebody is, is nothing for a screenshot. */
const hidden = (key: string, value: unknown): unknown => {
  if (key === 'token' || key === 'secret') return '…';
  return typeof value === 'bigint' ? Number(value) : value;
};
