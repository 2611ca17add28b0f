/**
 * One connection for all tabs of a site: the tab that holds a Web Lock has the connection, the others reach it by a
 * BroadcastChannel. To each tab it looks like a connection of its own, with its own subscriptions. When the tab that has it
 * is closed, another one opens the next and goes on with the session.
 */

import type { ClientFrame, Connected, Position, ServerFrame, Subscribed } from './frames.ts';
import type { Link, LinkEvents, Transport } from './transport/transport.ts';
import type { Codec } from './codec/codec.ts';

/** How often a tab says that it is there, and the silence after which the others take it for gone. */
const ALIVE_MS = 5_000;
const GONE_MS = 30_000;

/** Time in which the tabs join the channels of a session that was resumed; it leaves the others. */
const CLAIM_MS = 5_000;

/** Time for the tab that has the connection to answer. */
const ANSWER_MS = 2_000;

type Id = string;

/** What tabs tell each other. `to` is absent for everybody. */
type Message =
  | { kind: 'open'; from: Id; url: string; hello: ClientFrame[] }
  | { kind: 'send'; from: Id; frames: ClientFrame[] }
  | { kind: 'close' | 'alive'; from: Id }
  | { kind: 'opened'; to: Id }
  | { kind: 'frames'; to?: Id; frames: ServerFrame[] }
  | { kind: 'ended'; to?: Id; code: number; reason: string };

/** Shares one connection of `inner` between all tabs that use the same name: one for each user, say. */
export const sharedTabs = (inner: Transport, name: string): Transport => {
  let tab: Tab | undefined;
  return {
    name: inner.name,
    available: () => inner.available() && typeof BroadcastChannel !== 'undefined' && globalThis.navigator?.locks !== undefined,
    open: (url, hello, codec, events) => (tab ??= new Tab(inner, name, codec)).open(url, hello, events),
  };
};

/** This tab: its own link, and the hub when it is the one that has the connection. */
class Tab {
  readonly #id: Id = crypto.randomUUID();
  readonly #channel: BroadcastChannel;
  #events: LinkEvents | null = null;
  #isOpen = false;
  #hub: Hub | null = null;
  /** What this tab has opened with, until somebody answers. */
  #unanswered: Extract<Message, { kind: 'open' }> | null = null;

  constructor(inner: Transport, name: string, codec: Codec) {
    this.#channel = new BroadcastChannel(`tidings-tabs-${name}`);
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => this.#hear(data);
    void navigator.locks.request(`tidings-tabs-${name}`, () => {
      this.#hub = new Hub(inner, codec, (message) => this.#post(message));
      // Whoever was connected through another tab begins anew, here; this tab too, unless it only waits to be answered.
      const ended = { kind: 'ended', code: 1001, reason: 'another tab has the connection now' } as const;
      this.#channel.postMessage(ended);
      if (this.#unanswered !== null) this.#hub.take(this.#unanswered);
      else this.#hear(ended);
      return new Promise(() => {});
    });
    setInterval(() => this.#isOpen && this.#post({ kind: 'alive', from: this.#id }), ALIVE_MS);
    globalThis.addEventListener?.('pagehide', () => this.#post({ kind: 'close', from: this.#id }));
  }

  open(url: string, hello: readonly ClientFrame[], events: LinkEvents): Link {
    const from = this.#id;
    this.#events = events;
    this.#isOpen = true;
    this.#unanswered = { kind: 'open', from, url, hello: [...hello] };
    this.#post(this.#unanswered);
    const late = setTimeout(() => {
      if (this.#events === events) this.#end(1006, 'no tab has the connection');
    }, ANSWER_MS);
    const opened = events.opened;
    events.opened = () => {
      this.#unanswered = null;
      clearTimeout(late);
      opened();
    };
    return {
      send: (frames) => this.#isOpen && this.#events === events && this.#post({ kind: 'send', from, frames: [...frames] }),
      close: () => {
        clearTimeout(late);
        if (this.#events !== events) return;
        this.#isOpen = false;
        this.#events = null;
        this.#post({ kind: 'close', from });
      },
    };
  }

  /** To the others, and to this tab: a BroadcastChannel does not hear itself. */
  #post(message: Message): void {
    this.#channel.postMessage(message);
    queueMicrotask(() => this.#hear(message));
  }

  #hear(message: Message): void {
    if (message.kind === 'opened' || message.kind === 'frames' || message.kind === 'ended') {
      if (('to' in message && message.to !== undefined && message.to !== this.#id) || !this.#isOpen) return;
      if (message.kind === 'opened') this.#events?.opened();
      else if (message.kind === 'frames') this.#events?.received(message.frames);
      else this.#end(message.code, message.reason);
    } else this.#hub?.take(message);
  }

  #end(code: number, reason: string): void {
    const events = this.#events;
    this.#isOpen = false;
    this.#events = null;
    events?.ended(code, reason);
  }
}

/** A tab, as the hub knows it. */
interface Guest {
  heardAt: number;
  channels: Set<string>;
}

/** A channel that the connection is subscribed to. */
interface Joined {
  subscribed: Subscribed | null;
  offset: number;
  /** Commands that wait for the answer: of whom, and under which id. */
  waiting: [Id, number | undefined][];
}

/** The one connection, and who uses it. */
class Hub {
  readonly #inner: Transport;
  readonly #codec: Codec;
  readonly #post: (message: Message) => void;
  readonly #guests = new Map<Id, Guest>();
  readonly #channels = new Map<string, Joined>();
  readonly #numbers = new Map<number, Joined>();
  /** Commands under way: the id here, whose they are and under which id. */
  readonly #commands = new Map<number, [Id, number]>();
  /** Joinings under way: the id here, and the channel that all who wait for it are told of. */
  readonly #asked = new Map<number, string>();
  #nextId = 1;
  #link: Link | null = null;
  #connected: Connected | null = null;
  #isResuming = false;
  /** Who waits for the connection to be there, and the id of their `connect`. */
  #arriving: [Id, number][] = [];

  constructor(inner: Transport, codec: Codec, post: (message: Message) => void) {
    this.#inner = inner;
    this.#codec = codec;
    this.#post = post;
    setInterval(() => this.#sweep(), ALIVE_MS);
  }

  take(message: Exclude<Message, { kind: 'opened' | 'frames' | 'ended' }>): void {
    const { from } = message;
    if (message.kind === 'open') return this.#open(from, message.url, message.hello);
    const guest = this.#guests.get(from);
    if (guest === undefined) {
      // Taken for gone, or of an earlier hub: it begins anew.
      if (message.kind !== 'close') this.#post({ kind: 'ended', to: from, code: 1006, reason: 'this tab was taken for closed' });
      return;
    }
    guest.heardAt = Date.now();
    if (message.kind === 'close') this.#leave(from);
    else if (message.kind === 'send') for (const frame of message.frames) this.#command(from, guest, frame);
  }

  #open(from: Id, url: string, hello: ClientFrame[]): void {
    this.#leave(from);
    this.#guests.set(from, { heardAt: Date.now(), channels: new Set() });
    this.#post({ kind: 'opened', to: from });
    const id = hello[0]?.id ?? 0;
    if (this.#connected !== null) return this.#post({ kind: 'frames', to: from, frames: [this.#welcome(id)] });
    this.#arriving.push([from, id]);
    this.#link ??= this.#inner.open(url, hello, this.#codec, {
      opened: () => {},
      received: (frames) => this.#received(frames),
      ended: (code, reason) => this.#ended(code, reason),
    });
  }

  #expectClaims(): void {
    const link = this.#link;
    this.#isResuming = true;
    setTimeout(() => {
      if (link !== this.#link) return;
      this.#isResuming = false;
      for (const channel of [...this.#channels.keys()]) this.#letGo(channel);
    }, CLAIM_MS);
  }

  /** Each tab joins a session that is there with its own channels; nothing of it is resumed for the tab itself. */
  #welcome(id: number): ServerFrame {
    const connected = this.#connected!;
    return { id, connected: { ...connected, resumed: false } };
  }

  #command(from: Id, guest: Guest, frame: ClientFrame): void {
    const subscribe = frame['subscribe'] as { channel: string; since?: Position } | undefined;
    const unsubscribe = frame['unsubscribe'] as { channel: string } | undefined;
    if (subscribe !== undefined) this.#subscribe(from, guest, frame.id, subscribe);
    else if (unsubscribe !== undefined) this.#unsubscribe(from, guest, frame.id, unsubscribe.channel);
    else this.#forward(from, frame);
  }

  #forward(from: Id, frame: ClientFrame): void {
    if (frame.id === undefined) return this.#link?.send([frame]);
    const id = this.#nextId++;
    this.#commands.set(id, [from, frame.id]);
    this.#link?.send([{ ...frame, id }]);
  }

  #subscribe(from: Id, guest: Guest, id: number | undefined, { channel, since }: { channel: string; since?: Position }): void {
    guest.channels.add(channel);
    const joined = this.#channels.get(channel);
    if (joined === undefined || joined.subscribed === null) {
      const fresh = joined ?? { subscribed: null, offset: 0, waiting: [] };
      fresh.waiting.push([from, id]);
      this.#channels.set(channel, fresh);
      if (joined === undefined) this.#link?.send([{ id: this.#ask(channel), subscribe: since === undefined ? { channel } : { channel, since } }]);
      return;
    }
    const { epoch } = joined.subscribed;
    if (since === undefined || (since.epoch === epoch && since.offset >= joined.offset)) {
      const subscribed: Subscribed = { ...joined.subscribed, offset: joined.offset, recovered: since === undefined ? 'none' : 'complete' };
      return this.#post({ kind: 'frames', to: from, frames: [withId(id, { subscribed })] });
    }
    // What this tab has missed comes once more, for all; the others know it by its position.
    joined.subscribed = null;
    joined.waiting.push([from, id]);
    this.#link?.send([{ unsubscribe: { channel } }, { id: this.#ask(channel), subscribe: { channel, since } }]);
  }

  /** An id whose answer is for all who wait for the channel. */
  #ask(channel: string): number {
    const id = this.#nextId++;
    this.#asked.set(id, channel);
    return id;
  }

  #unsubscribe(from: Id, guest: Guest, id: number | undefined, channel: string): void {
    guest.channels.delete(channel);
    this.#post({ kind: 'frames', to: from, frames: [withId(id, { unsubscribed: { channel } })] });
    this.#letGo(channel);
  }

  /** Leaves a channel that no tab wants any more. */
  #letGo(channel: string): void {
    for (const { channels } of this.#guests.values()) if (channels.has(channel)) return;
    const joined = this.#channels.get(channel);
    if (joined === undefined) return;
    this.#channels.delete(channel);
    if (joined.subscribed !== null) this.#numbers.delete(joined.subscribed.stream);
    this.#link?.send([{ unsubscribe: { channel } }]);
  }

  #leave(from: Id): void {
    const guest = this.#guests.get(from);
    if (guest === undefined) return;
    this.#guests.delete(from);
    this.#arriving = this.#arriving.filter(([id]) => id !== from);
    for (const channel of guest.channels) this.#letGo(channel);
    if (this.#guests.size > 0) return;
    this.#link?.close();
    this.#reset();
  }

  #sweep(): void {
    const now = Date.now();
    for (const [id, { heardAt }] of this.#guests) if (now - heardAt > GONE_MS) this.#leave(id);
  }

  #received(frames: ServerFrame[]): void {
    const all: ServerFrame[] = [];
    const flush = (): void => {
      if (all.length > 0) this.#post({ kind: 'frames', frames: all.splice(0) });
    };
    for (const frame of frames) {
      if (frame.connected !== undefined) {
        this.#connected = frame.connected;
        for (const [to, id] of this.#arriving.splice(0)) {
          this.#post({ kind: 'frames', to, frames: [this.#welcome(id)] });
        }
        if (frame.connected.resumed) this.#expectClaims();
      } else if (frame.id !== undefined) {
        // An answer stands before the entries that follow it, for everybody.
        flush();
        this.#answer(frame.id, frame);
      } else {
        this.#note(frame);
        // What the session had before is told to each tab that joins it; what the host gives it is for all.
        if (frame.subscribed === undefined || !this.#isResuming) all.push(frame);
      }
    }
    flush();
  }

  /** Follows where the connection is in its channels, for tabs that come later. */
  #note({ entry, subscribed, gap }: ServerFrame): void {
    if (subscribed !== undefined) this.#bind(subscribed);
    const joined = this.#numbers.get(entry?.stream ?? gap?.stream ?? -1);
    if (joined !== undefined) joined.offset = Math.max(joined.offset, entry?.offset ?? gap?.to ?? 0);
    const inbox = this.#connected?.inbox;
    if (inbox !== undefined && inbox.stream === (entry?.stream ?? -1)) {
      inbox.delivered = Math.max(inbox.delivered ?? 0, entry?.offset ?? 0);
    }
  }

  #bind(subscribed: Subscribed): void {
    const { channel, stream, offset, recovered } = subscribed;
    const joined = this.#channels.get(channel) ?? { subscribed: null, offset: 0, waiting: [] };
    joined.subscribed = subscribed;
    // Until they have come, it is not known how far the kept ones lead; those who come meanwhile ask the server.
    joined.offset = recovered === 'none' ? offset : joined.offset;
    this.#channels.set(channel, joined);
    this.#numbers.set(stream, joined);
  }

  #answer(id: number, frame: ServerFrame): void {
    const channel = this.#asked.get(id);
    if (channel !== undefined) {
      this.#asked.delete(id);
      const joined = this.#channels.get(channel);
      if (frame.subscribed !== undefined) this.#bind(frame.subscribed);
      for (const [to, theirs] of joined?.waiting.splice(0) ?? []) {
        if (frame.error !== undefined) this.#guests.get(to)?.channels.delete(channel);
        this.#post({ kind: 'frames', to, frames: [withId(theirs, without(frame))] });
      }
      if (frame.error !== undefined) this.#channels.delete(channel);
      return;
    }
    const whose = this.#commands.get(id);
    this.#commands.delete(id);
    // What has the id of a `connect` answers those who wait for it.
    if (whose !== undefined) this.#post({ kind: 'frames', to: whose[0], frames: [{ ...frame, id: whose[1] }] });
    else for (const [to, theirs] of this.#arriving) this.#post({ kind: 'frames', to, frames: [{ ...frame, id: theirs }] });
  }

  #ended(code: number, reason: string): void {
    this.#guests.clear();
    this.#reset();
    this.#post({ kind: 'ended', code, reason });
  }

  #reset(): void {
    this.#link = null;
    this.#connected = null;
    this.#isResuming = false;
    this.#arriving = [];
    this.#commands.clear();
    this.#asked.clear();
    this.#channels.clear();
    this.#numbers.clear();
  }
}

const withId = (id: number | undefined, frame: ServerFrame): ServerFrame => (id === undefined ? frame : { id, ...frame });
const without = ({ id: _, ...frame }: ServerFrame): ServerFrame => frame;
