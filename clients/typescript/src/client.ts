import type { BackoffOptions } from './backoff.ts';
import type { Codec } from './codec/codec.ts';
import { STATE } from './codes.ts';
import { Connection, HELLO_ID, type StatusChange } from './connection.ts';
import { Emitter } from './emitter.ts';
import { TidingsError } from './errors.ts';
import type { ClientFrame, Connected, Data, EntryFrame, Position, ServerFrame, Subscribed } from './frames.ts';
import { Handlers, type Handler, type Meta } from './handlers.ts';
import { type HistoryOptions, type HistoryPage, pageOf } from './history.ts';
import { type Emission, Outbox, type OutboxOptions } from './outbox/outbox.ts';
import { memory, type OutboxStorage, type Receipt } from './outbox/storage.ts';
import { type Quality, QualityMeter } from './quality.ts';
import { type Gap, type Stream, Streams } from './streams.ts';
import { Tokens, type TokenSource } from './tokens.ts';
import type { Transport } from './transport/transport.ts';
import type { WebSocketClass } from './transport/websocket.ts';

/** How often the time there and back is measured, and how long an answer may take before it counts as lost. */
const MEASURE_MS = 10_000;
const MEASURE_TIMEOUT_MS = 5_000;

/** How long what was handled may wait to be acknowledged. */
const ACKNOWLEDGE_MS = 250;

/** Time for the answer to a command that is not kept. */
const COMMAND_TIMEOUT_MS = 15_000;

/** Everything that may be set. */
export interface Options {
  /** Where the server is: `https://realtime.example.com`. In a page its own origin is the default. */
  url?: string;
  /** The name of this device, the same each time; the server keeps its place in the inbox. In a page one is made and kept in `localStorage`. */
  device?: string;
  /** The ways to the server, the best first: `webSocket()` and `serverSentEvents()`, in `@tidings/client/json` the first alone. */
  transports?: readonly Transport[];
  /** The class of WebSockets, where the platform has none: that of the package `ws` in Node before version 22. */
  WebSocket?: WebSocketClass;
  /** Pauses between attempts. */
  backoff?: BackoffOptions;
  /** Where publications wait while there is no connection: in memory, in `indexedDb(name)`, or in a place of your own. */
  outbox?: OutboxOptions & { storage?: OutboxStorage };
  /** How frames are written: `msgpack` or `json`. */
  codec?: Codec;
}

/** What one of the package's two entries brings. */
export interface Parts {
  readonly codec: Codec;
  readonly transports: (WebSocket: WebSocketClass | undefined) => readonly Transport[];
}

export interface EmitOptions {
  /** To every device of this user. */
  to?: string;
  /** What to wait for: `accepted`, the default, or `stored`, behind the server's barrier. */
  wait?: 'accepted' | 'stored';
  /** In class `latest`: which value this replaces. */
  key?: string;
  /** At most once, to whoever is there, kept nowhere. While there is no connection it is dropped. */
  ephemeral?: boolean;
}

/** What adds to a client: it has a word in what is sent and hears what comes. */
export interface Extension {
  /** Adds to `connect`. */
  hello?(connect: Record<string, unknown>): void;
  /** Adds to `subscribe`. */
  subscribe?(channel: string, subscribe: Record<string, unknown>): void;
  /** There is a session: the one of before, or another. */
  connected?(resumed: boolean): void;
  /** Every frame that answers no command of this client. */
  received?(frame: ServerFrame): void;
}

/** A channel that this client is subscribed to. */
export interface Subscription {
  readonly channel: string;
  /** The last entry that was handed on. */
  readonly position: Position | null;
  /** Hears an event of this channel alone. */
  on<D = Data>(event: string, handler: Handler<D>): () => void;
  /** What it keeps. */
  history<D = Data>(options?: HistoryOptions): Promise<HistoryPage<D>>;
  /** Publishes to it. */
  emit(event: string, data?: Data, options?: Omit<EmitOptions, 'to'>): Emission;
  /** Leaves it, when nobody else in this page is subscribed. */
  unsubscribe(): void;
}

interface Joining {
  count: number;
  since: Position | null;
  joined: Promise<void>;
  done: { resolve: () => void; reject: (error: TidingsError) => void };
}

/** A client of one user on one device. */
export class Tidings {
  readonly user: string;
  readonly #connection: Connection;
  readonly #tokens: Tokens;
  readonly #streams = new Streams();
  readonly #handlers = new Handlers();
  readonly #channelHandlers = new Map<string, Handlers>();
  readonly #joining = new Map<string, Joining>();
  /** Unsubscribed from while there was no connection: a session that is resumed does not know. */
  readonly #left = new Set<string>();
  readonly #outboxes: Outbox;
  readonly #meter = new QualityMeter();
  readonly #qualities = new Emitter<Quality>();
  readonly #gaps = new Emitter<Gap>();
  readonly #failures = new Emitter<TidingsError>();
  readonly #outboxChanges = new Emitter<readonly Emission[]>();
  readonly #extensions: Extension[] = [];
  readonly #device: string | undefined;
  #session: { id: string; secret: string } | null = null;
  #info: Connected | null = null;
  #acknowledging: ReturnType<typeof setTimeout> | null = null;
  #measuring: ReturnType<typeof setInterval> | null = null;

  constructor(user: string, token: TokenSource, options: Options, parts: Parts) {
    this.user = user;
    this.#device = options.device ?? deviceOfPage();
    this.#tokens = new Tokens(token);
    this.#outboxes = new Outbox(options.outbox?.storage ?? memory, () => this.#outboxChanges.emit(this.outbox), options.outbox);
    const { backoff, codec = parts.codec, transports = parts.transports(options.WebSocket) } = options;
    const url = (options.url ?? originOfPage()).replace(/\/+$/, '');
    this.#connection = new Connection({ url, codec, backoff, tokens: this.#tokens, transports: available(transports) }, {
      hello: (fresh) => this.#hello(fresh),
      connected: (connected) => this.#connected(connected),
      received: (frame) => this.#received(frame),
      lost: () => this.#lost(),
      closed: (change) => this.#closed(change),
    });
    this.#connection.start();
  }

  /** Hears an event of a namespace: in its channels, and of what is sent to this user. `*` is every event. */
  on<D = Data>(namespace: string, event: string, handler: Handler<D>): () => void {
    return this.#handlers.add(namespace, event, handler as Handler<never>);
  }

  /** The same, once. */
  once<D = Data>(namespace: string, event: string, handler: Handler<D>): () => void {
    const off = this.on<D>(namespace, event, (data, meta) => {
      off();
      return handler(data, meta);
    });
    return off;
  }

  /** Hears no more: this handler, all of the event's, or all of the namespace's. */
  off<D = Data>(namespace: string, event?: string, handler?: Handler<D>): void {
    this.#handlers.remove(namespace, event, handler as Handler<never> | undefined);
  }

  /**
   * Publishes an event to a channel (`messaging:lobby`), or sends it in a namespace to a user (`messaging`, with
   * `{ to: 'bob' }`). While there is no connection it waits, and goes once there is one. Awaiting it waits for the answer.
   */
  emit(target: string, event: string, data: Data = null, options: EmitOptions = {}): Emission {
    const { to, wait, key, ephemeral } = options;
    const common = { event, data, wait, class: ephemeral === true ? 'ephemeral' : undefined };
    if (to !== undefined) return this.#outboxes.emit('send', { user: to, namespace: target, ...common }, this.#drops(ephemeral));
    return this.#outboxes.emit('publish', { channel: target, key, ...common }, this.#drops(ephemeral));
  }

  /** What was emitted and is not answered yet, in its order. */
  get outbox(): readonly Emission[] {
    return this.#outboxes.waiting;
  }

  /** Hears each change of the outbox. */
  onOutbox(listener: (waiting: readonly Emission[]) => void): () => void {
    return this.#outboxChanges.on(listener);
  }

  /**
   * Joins a channel, from now on or from what followed a position; resolves when the server has said yes. It stays joined
   * over every reconnection, each time from where this client is.
   */
  async subscribe(channel: string, { since = null }: { since?: Position | null } = {}): Promise<Subscription> {
    let joining = this.#joining.get(channel);
    if (joining === undefined) {
      joining = newJoining(since);
      this.#joining.set(channel, joining);
      this.#left.delete(channel);
      this.#streams.channel(channel);
      if (this.#connection.isOnline) this.#join(channel, joining);
    }
    joining.count += 1;
    await joining.joined;
    return this.#subscription(channel);
  }

  /** Leaves a channel, when everybody who has subscribed to it in this page has left. */
  unsubscribe(channel: string): void {
    const joining = this.#joining.get(channel);
    if (joining === undefined || --joining.count > 0) return;
    this.#joining.delete(channel);
    this.#channelHandlers.delete(channel);
    this.#streams.forget(channel);
    joining.done.reject(new TidingsError('closed', 'it was unsubscribed from'));
    if (this.#connection.isOnline) this.#connection.command({ unsubscribe: { channel } }, () => {});
    else this.#left.add(channel);
  }

  /**
   * What a channel keeps, or with `null` what the user's inbox does: the newest, what followed a position, or what stands before
   * one. A page at a time: `page.next` is what to ask for next.
   */
  async history<D = Data>(channel: string | null, options: HistoryOptions = {}): Promise<HistoryPage<D>> {
    const where = channel === null ? { inbox: true } : { channel };
    const { history } = await this.command({ history: { ...where, ...options } });
    return pageOf<D>(history!, channel, options);
  }

  /** Calls a method of the host. */
  async call<R = Data>(method: string, data: Data = null, { timeoutMs = COMMAND_TIMEOUT_MS } = {}): Promise<R> {
    const answer = await this.command({ call: { method, data } }, timeoutMs);
    return answer['result'] as R;
  }

  /** The user has read everything up to here, on this device: the others are told by the server. */
  read(meta: Meta): void {
    const stream = meta.channel === null ? this.#streams.inbox : this.#streams.channels.get(meta.channel);
    if (stream?.number == null || meta.position === undefined) return;
    this.#connection.tell([{ read: { stream: stream.number, offset: meta.position.offset } }]);
  }

  /** How far the connection is. */
  get status(): StatusChange {
    return this.#connection.status;
  }

  onStatus(listener: (change: StatusChange) => void): () => void {
    return this.#connection.statuses.on(listener);
  }

  /** How good it is. */
  get quality(): Quality {
    return this.#meter.quality;
  }

  onQuality(listener: (quality: Quality) => void): () => void {
    return this.#qualities.on(listener);
  }

  /** The mean time there and back of the last pings in milliseconds; `null` before the first. */
  getAverageLatency(): number | null {
    return this.#meter.averageMs;
  }

  /** Hears what will not come. All that is kept behind it does. */
  onGap(listener: (gap: Gap) => void): () => void {
    return this.#gaps.on(listener);
  }

  /** Hears errors that belong to no call: a channel that may no longer be had, say. */
  onError(listener: (error: TidingsError) => void): () => void {
    return this.#failures.on(listener);
  }

  /** How it is connected. */
  get transport(): 'websocket' | 'sse' {
    return this.#connection.transport;
  }

  /** What the server told when it connected, `null` before. */
  get server(): Connected | null {
    return this.#info;
  }

  /** Entries that came twice and were not handed on. */
  get duplicates(): number {
    return this.#streams.duplicates;
  }

  /** Looks whether the server is there, or tries at once to reach it: for those who know more than the browser tells. */
  wake(): void {
    this.#connection.wake();
  }

  /** Leaves for good. What waits is given up. */
  disconnect(): void {
    this.#acknowledge();
    this.#connection.close('disconnected by the application');
  }

  /** Gives a command of the protocol and returns the frame that answers it; for what this client has no function of its own for. */
  command(frame: ClientFrame, timeoutMs = COMMAND_TIMEOUT_MS): Promise<ServerFrame> {
    return new Promise((resolve, reject) => {
      if (!this.#connection.isOnline) return reject(new TidingsError('offline', 'there is no connection now', 0, true));
      const end = (error: TidingsError): void => {
        clearTimeout(timer);
        off();
        forget();
        reject(error);
      };
      const timer = setTimeout(() => end(new TidingsError('timeout', `no answer within ${timeoutMs} ms`, 0, true)), timeoutMs);
      const off = this.onStatus(({ status }) => {
        if (status !== 'online') end(new TidingsError('offline', 'the connection was lost before the answer', 0, true));
      });
      const forget = this.#connection.command(frame, (answer) => {
        clearTimeout(timer);
        off();
        if (answer.error === undefined) resolve(answer);
        else reject(TidingsError.from(answer.error));
      });
    });
  }

  /** Sends a frame that has no answer, if there is a connection. */
  tell(frame: ClientFrame): void {
    this.#connection.tell([frame]);
  }

  /** Adds something that has a word in what is sent and hears what comes, as `Presence` does. */
  extend(extension: Extension): void {
    this.#extensions.push(extension);
  }

  /** Tells those who listen to errors. */
  report(error: TidingsError): void {
    this.#failures.emit(error);
  }

  #drops(ephemeral: boolean | undefined): boolean {
    return ephemeral === true && !this.#connection.isOnline;
  }

  #hello(token: string): ClientFrame[] {
    const positions = this.#streams.positions();
    const session = this.#session;
    const connect: Record<string, unknown> = { token };
    if (this.#device !== undefined) connect['device'] = this.#device;
    const { position } = this.#streams.inbox;
    if (session !== null) connect['resume'] = { session: session.id, secret: session.secret, positions };
    else if (position !== null) connect['since'] = position;
    for (const extension of this.#extensions) extension.hello?.(connect);
    return [{ id: HELLO_ID, connect }];
  }

  #connected(connected: Connected): void {
    this.#info = connected;
    this.#session = { id: connected.session, secret: connected.secret };
    this.#streams.connected(connected.inbox);
    // A session that was resumed joins its channels by itself; behind the answer to a ping it is known which are missing.
    if (connected.resumed) this.#connection.command({ ping: {} }, () => this.#joinMissing());
    else {
      this.#left.clear();
      this.#joinMissing();
    }
    for (const extension of this.#extensions) extension.connected?.(connected.resumed);
    this.#outboxes.open((frame, answered) => this.#connection.command(frame, answered));
    this.#measure();
    this.#measuring ??= setInterval(() => this.#measure(), MEASURE_MS);
    (this.#measuring as { unref?: () => void }).unref?.();
  }

  #joinMissing(): void {
    for (const [channel, joining] of this.#joining) {
      if (this.#streams.channels.get(channel)?.number === null) this.#join(channel, joining);
    }
  }

  #join(channel: string, joining: Joining): void {
    const since = this.#streams.channels.get(channel)?.position ?? joining.since;
    const subscribe: Record<string, unknown> = since === null ? { channel } : { channel, since };
    for (const extension of this.#extensions) extension.subscribe?.(channel, subscribe);
    this.#connection.command({ subscribe }, ({ error }) => {
      // `state`: the session was joined to it by its resumption meanwhile.
      if (error === undefined || error.code === STATE || this.#joining.get(channel) !== joining) return;
      this.#refused(channel, TidingsError.from(error, channel));
    });
  }

  #refused(channel: string, error: TidingsError): void {
    const joining = this.#joining.get(channel);
    this.#joining.delete(channel);
    this.#streams.forget(channel);
    joining?.done.reject(error);
    this.#failures.emit(error);
  }

  #received(frame: ServerFrame): void {
    if (frame.entry !== undefined) this.#entry(frame.entry);
    else if (frame.subscribed !== undefined) this.#subscribed(frame.subscribed);
    else if (frame.unsubscribed !== undefined && frame.id === undefined) {
      const { channel, reason = 'by the host' } = frame.unsubscribed;
      this.#refused(channel, new TidingsError('unsubscribed', `${channel}: unsubscribed (${reason})`, 0, false, undefined, channel));
    } else if (frame.gap !== undefined) {
      const gap = this.#streams.gap(frame.gap);
      if (gap !== null) this.#gaps.emit(gap);
    } else if (frame.expiring !== undefined) void this.#refresh();
    else if (frame.error !== undefined && frame.id === undefined) {
      const { channel } = frame.error;
      if (channel !== undefined) this.#refused(channel, TidingsError.from(frame.error));
      else this.#failures.emit(TidingsError.from(frame.error));
    } else for (const extension of this.#extensions) extension.received?.(frame);
  }

  #subscribed(subscribed: Subscribed): void {
    const { channel } = subscribed;
    if (this.#left.delete(channel)) return void this.#connection.command({ unsubscribe: { channel } }, () => {});
    let joining = this.#joining.get(channel);
    if (joining === undefined) {
      // By the host. It stays joined like any other, until the host or the application leaves it.
      joining = newJoining(null);
      joining.count = 1;
      this.#joining.set(channel, joining);
      this.#streams.channel(channel);
    }
    this.#streams.subscribed(subscribed, joining.since);
    joining.done.resolve();
  }

  #entry(entry: EntryFrame): void {
    const stream = this.#streams.take(entry);
    if (stream === null) return;
    const { offset } = entry;
    const meta = metaOf(entry, stream);
    const waits = [this.#handlers.call(entry.data, meta)];
    if (stream.channel !== null) waits.push(this.#channelHandlers.get(stream.channel)?.call(entry.data, meta) ?? null);
    if (offset === undefined) return;
    const open = waits.filter((wait) => wait !== null);
    if (open.length === 0) this.#finished(stream, offset);
    else void Promise.all(open).then(() => this.#finished(stream, offset));
  }

  #finished(stream: Stream, offset: number): void {
    stream.finish(offset);
    this.#acknowledging ??= setTimeout(() => this.#acknowledge(), ACKNOWLEDGE_MS);
  }

  /** Tells the server up to where everything was handled, a frame for each stream that has moved. */
  #acknowledge(): void {
    if (this.#acknowledging !== null) clearTimeout(this.#acknowledging);
    this.#acknowledging = null;
    if (!this.#connection.isOnline) return;
    const acks: ClientFrame[] = [];
    for (const stream of this.#streams.all()) {
      if (stream.number === null) continue;
      const offset = stream.acknowledge();
      if (offset !== null) acks.push({ ack: { stream: stream.number, offset } });
    }
    if (acks.length > 0) this.#connection.tell(acks);
  }

  /** The token ends soon: another one is shown in time, over the same connection. */
  async #refresh(): Promise<void> {
    if (!this.#tokens.renewable) return;
    try {
      const token = await this.#tokens.renew();
      this.#connection.command({ refresh: { token } }, ({ error }) => {
        if (error !== undefined) this.#failures.emit(TidingsError.from(error));
      });
    } catch (error) {
      this.#failures.emit(new TidingsError('unauthorized', `no token could be had: ${String(error)}`, 0, true));
    }
  }

  #measure(): void {
    if (!this.#connection.isOnline || isHidden()) return;
    const began = performance.now();
    const late = setTimeout(() => {
      forget();
      this.#sample(null);
    }, MEASURE_TIMEOUT_MS);
    const forget = this.#connection.command({ ping: {} }, () => {
      clearTimeout(late);
      this.#sample(performance.now() - began);
    });
  }

  #sample(ms: number | null): void {
    if (this.#connection.isOnline && this.#meter.sample(ms)) this.#qualities.emit(this.quality);
  }

  #lost(): void {
    this.#streams.unbind();
    this.#outboxes.close();
    if (this.#measuring !== null) clearInterval(this.#measuring);
    this.#measuring = null;
    if (this.#meter.offline()) this.#qualities.emit(this.quality);
  }

  #closed({ reason, code }: StatusChange): void {
    const error = new TidingsError('closed', reason, code ?? 0);
    this.#outboxes.end(error);
    for (const { done } of this.#joining.values()) done.reject(error);
    this.#joining.clear();
    if (this.#acknowledging !== null) clearTimeout(this.#acknowledging);
  }

  #subscription(channel: string): Subscription {
    const streams = this.#streams;
    let left = false;
    return {
      channel,
      get position() {
        return streams.channels.get(channel)?.position ?? null;
      },
      on: (event, handler) => {
        let handlers = this.#channelHandlers.get(channel);
        if (handlers === undefined) this.#channelHandlers.set(channel, (handlers = new Handlers()));
        return handlers.add(channel.slice(0, channel.indexOf(':')), event, handler as Handler<never>);
      },
      history: (options) => this.history(channel, options),
      emit: (event, data, options) => this.emit(channel, event, data, options),
      unsubscribe: () => {
        if (!left) this.unsubscribe(channel);
        left = true;
      },
    };
  }
}

const metaOf = ({ event, namespace, from, at, offset }: EntryFrame, stream: Stream): Meta => ({
  event,
  namespace: stream.namespace ?? namespace ?? null,
  channel: stream.channel,
  at,
  ...(from === undefined ? {} : { from }),
  ...(offset === undefined ? {} : { position: { epoch: stream.position!.epoch, offset } }),
});

const newJoining = (since: Position | null): Joining => {
  let done!: Joining['done'];
  const joined = new Promise<void>((resolve, reject) => (done = { resolve, reject }));
  joined.catch(() => {});
  return { count: 0, since, joined, done };
};

const available = (transports: readonly Transport[]): Transport[] => {
  const ways = transports.filter((way) => way.available());
  if (ways.length > 0) return ways;
  throw new TidingsError('closed', 'this platform has no WebSocket: give one, { WebSocket }, or other transports');
};

const originOfPage = (): string => {
  const { location } = globalThis as { location?: Location };
  if (location === undefined) throw new TidingsError('closed', 'say where the server is: { url: "https://…" }');
  return location.origin;
};

const isHidden = (): boolean => (globalThis as { document?: Document }).document?.visibilityState === 'hidden';

const DEVICE_KEY = 'tidings-device';

/** A name for this browser, the same each time; none where nothing can be kept. */
const deviceOfPage = (): string | undefined => {
  try {
    const { localStorage } = globalThis;
    let device = localStorage.getItem(DEVICE_KEY);
    if (device === null) localStorage.setItem(DEVICE_KEY, (device = `web-${crypto.randomUUID()}`));
    return device;
  } catch {
    return undefined;
  }
};

export type { Receipt };
