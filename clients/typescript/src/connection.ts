import { Backoff, type BackoffOptions } from './backoff.ts';
import type { Codec } from './codec/codec.ts';
import { CLOSE_CONNECT_TIMEOUT, CLOSE_UNAUTHORIZED } from './codes.ts';
import { Emitter } from './emitter.ts';
import { comesBack, wantsToken } from './errors.ts';
import type { ClientFrame, Connected, Failure, ServerFrame } from './frames.ts';
import { Tokens } from './tokens.ts';
import type { Link, Transport } from './transport/transport.ts';

/** How far the connection is. */
export type Status = 'connecting' | 'online' | 'resuming' | 'offline' | 'closed';

export interface StatusChange {
  readonly status: Status;
  /** Why, for a person. */
  readonly reason: string;
  /** The code that ended the last connection, where one did. */
  readonly code?: number;
  /** In `offline`: when the next attempt is made. */
  readonly retryInMs?: number;
}

/** Time for a connection to be open and admitted. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Time for the answer when it is asked whether the server is still there. */
const PROBE_TIMEOUT_MS = 3_000;

/** Silence of the server beyond its own ping interval after which it is asked. */
const SILENCE_MS = 5_000;

/** A clock that stood still for longer than this beyond its turn: the machine has slept. */
const CLOCK_MS = 5_000;
const SLEPT_MS = 5_000;

/** Attempts of the first way that did not even open before the other one is tried. */
const BLOCKED_AFTER = 2;

/** How long the second way is used before the first is tried again; doubled each time, up to the last. */
const RETURN_FIRST_MS = 60_000;
const RETURN_MOST_MS = 15 * 60_000;

/** The id of every `connect`. */
export const HELLO_ID = 0;

export interface ConnectionOptions {
  url: string;
  codec: Codec;
  transports: readonly Transport[];
  tokens: Tokens;
  backoff?: BackoffOptions | undefined;
}

/** What the connection asks and tells. */
export interface ConnectionEvents {
  /** The frames to begin with: `connect`, with the session to go on with. */
  hello(token: string): ClientFrame[];
  /** The session is there. */
  connected(connected: Connected): void;
  /** Every other frame. */
  received(frame: ServerFrame): void;
  /** The connection is gone. */
  lost(): void;
  /** There will be none any more. */
  closed(change: StatusChange): void;
}

/** Keeps one connection to the server: opens it, notices that it is dead, opens the next. */
export class Connection {
  readonly statuses = new Emitter<StatusChange>();
  status: StatusChange = { status: 'connecting', reason: 'not connected yet' };
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  readonly #backoff: Backoff;
  #link: Link | null = null;
  /** Counts attempts: what an earlier one does late is not heard. */
  #attempt = 0;
  #way = 0;
  #blocked = 0;
  #hadSession = false;
  #triedToken = false;
  #helloError: Failure | null = null;
  #closing: { code: number; reason: string; retry_after_ms?: number } | null = null;
  #heardAt = 0;
  #pingMs = 25_000;
  #retry: Timer = null;
  #deadline: Timer = null;
  #probing: Timer = null;
  #returning: Timer = null;
  #returnMs = RETURN_FIRST_MS;
  #clock: ReturnType<typeof setInterval> | null = null;
  #clockAt = 0;
  #nextId = HELLO_ID + 1;
  readonly #waiting = new Map<number, (answer: ServerFrame) => void>();
  readonly #listening = new AbortController();

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
    this.#backoff = new Backoff(options.backoff);
  }

  /** The way that is used. */
  get transport(): 'websocket' | 'sse' {
    return this.#options.transports[this.#way]!.name;
  }

  get isOnline(): boolean {
    return this.status.status === 'online';
  }

  start(): void {
    this.#clockAt = Date.now();
    this.#clock = setInterval(() => this.#tick(), CLOCK_MS);
    // A process that has nothing else to do is not kept alive by a clock.
    (this.#clock as { unref?: () => void }).unref?.();
    this.#listen();
    void this.#open();
  }

  /** Sends a command and hears its answer; nothing is heard when the connection is lost before. */
  command(frame: ClientFrame, answered: (answer: ServerFrame) => void): () => void {
    const id = this.#nextId++;
    this.#waiting.set(id, answered);
    this.#link?.send([{ id, ...frame }]);
    return () => this.#waiting.delete(id);
  }

  /** Sends a frame that has no answer. */
  tell(frames: readonly ClientFrame[]): void {
    if (this.isOnline) this.#link?.send(frames);
  }

  /** Asks whether the server is still there, or tries at once to reach it. */
  wake(): void {
    const { status } = this.status;
    if (status === 'closed') return;
    if (this.#link === null) {
      this.#backoff.reset();
      if (status === 'offline') void this.#open();
      return;
    }
    if (this.isOnline) this.#probe();
  }

  /** Ends it for good. */
  close(reason: string, code?: number): void {
    if (this.status.status === 'closed') return;
    this.#attempt += 1;
    this.#drop();
    if (this.#clock !== null) clearInterval(this.#clock);
    this.#listening.abort();
    for (const timer of [this.#retry, this.#returning]) if (timer !== null) clearTimeout(timer);
    this.#become(code === undefined ? { status: 'closed', reason } : { status: 'closed', reason, code });
    this.#events.closed(this.status);
  }

  async #open(): Promise<void> {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    const attempt = ++this.#attempt;
    this.#become({ status: this.#hadSession ? 'resuming' : 'connecting', reason: 'reaching the server' });
    let token: string;
    try {
      token = await this.#options.tokens.get();
    } catch (error) {
      if (attempt === this.#attempt) this.#again(0, `no token could be had: ${String(error)}`);
      return;
    }
    if (attempt !== this.#attempt) return;
    this.#helloError = this.#closing = null;
    const { transport, link } = this.#dial(token, attempt);
    this.#link = link;
    this.#deadline = setTimeout(() => {
      if (transport.name === 'websocket') this.#blocked += 1;
      this.#ended(attempt, 1006, `no session within ${CONNECT_TIMEOUT_MS} ms`);
    }, CONNECT_TIMEOUT_MS);
  }

  #dial(token: string, attempt: number): { transport: Transport; link: Link } {
    const { transports, url, codec } = this.#options;
    if (this.#blocked >= BLOCKED_AFTER && transports.length > 1) {
      this.#blocked = 0;
      this.#way = (this.#way + 1) % transports.length;
    }
    const transport = transports[this.#way]!;
    let opened = false;
    const link = transport.open(url, this.#events.hello(token), codec, {
      opened: () => {
        opened = true;
        if (attempt === this.#attempt) this.#blocked = 0;
      },
      received: (frames) => {
        if (attempt === this.#attempt) this.#take(frames);
      },
      ended: (code, reason) => {
        if (!opened && attempt === this.#attempt && code !== CLOSE_UNAUTHORIZED) this.#blocked += 1;
        this.#ended(attempt, code, reason);
      },
    });
    return { transport, link };
  }

  #take(frames: ServerFrame[]): void {
    this.#heardAt = Date.now();
    for (const frame of frames) {
      if (frame.connected !== undefined) this.#admitted(frame.connected);
      else if (frame.close !== undefined) this.#closing = frame.close;
      else if (frame.error !== undefined && frame.id === HELLO_ID) this.#helloError = frame.error;
      else if (frame.ping !== undefined) this.tell([{ pong: {} }]);
      else this.#hand(frame);
    }
  }

  #hand(frame: ServerFrame): void {
    const answered = frame.id === undefined ? undefined : this.#waiting.get(frame.id);
    if (answered !== undefined && frame.id !== undefined) this.#waiting.delete(frame.id);
    // What an answer tells of streams has to be known before the entries that follow it.
    this.#events.received(frame);
    answered?.(frame);
  }

  #admitted(connected: Connected): void {
    clear(this.#deadline);
    this.#deadline = null;
    this.#pingMs = connected.ping_ms;
    this.#hadSession = true;
    this.#triedToken = false;
    this.#backoff.reset();
    this.#become({ status: 'online', reason: connected.resumed ? 'resumed' : 'connected' });
    this.#events.connected(connected);
    if (this.#way > 0) this.#planReturn();
    else this.#returnMs = RETURN_FIRST_MS;
  }

  #ended(attempt: number, code: number, reason: string): void {
    if (attempt !== this.#attempt) return;
    this.#attempt += 1;
    const told = this.#closing;
    const final = told?.code ?? code;
    const why = this.#helloError?.message ?? (told?.reason || reason || 'the connection was lost');
    this.#drop();
    if (wantsToken(final)) return this.#renew(final, why);
    // Too slow to say `connect` in time is what a bad line looks like.
    if (!comesBack(final) && final !== CLOSE_CONNECT_TIMEOUT) return this.close(why, final);
    this.#again(told?.retry_after_ms ?? this.#helloError?.retry_after_ms ?? 0, why, final);
  }

  /** The token was refused or has ended: another one is tried, once. */
  #renew(code: number, why: string): void {
    const { tokens } = this.#options;
    if (!tokens.renewable || this.#triedToken) return this.close(why, code);
    this.#triedToken = true;
    const attempt = this.#attempt;
    this.#become({ status: this.#hadSession ? 'resuming' : 'connecting', reason: 'getting another token', code });
    tokens.renew().then(
      () => attempt === this.#attempt && void this.#open(),
      (error) => attempt === this.#attempt && this.#again(0, `no token could be had: ${String(error)}`),
    );
  }

  #again(adviceMs: number, reason: string, code?: number): void {
    const retryInMs = Math.round(this.#backoff.next(adviceMs));
    this.#become({ status: 'offline', reason, retryInMs, ...(code === undefined ? {} : { code }) });
    this.#retry = setTimeout(() => void this.#open(), retryInMs);
  }

  /** Lets go of the link. */
  #drop(): void {
    const link = this.#link;
    this.#link = null;
    for (const timer of [this.#deadline, this.#probing, this.#returning]) clear(timer);
    this.#deadline = this.#probing = this.#returning = null;
    this.#waiting.clear();
    link?.close();
    if (this.isOnline) {
      this.status = { status: 'resuming', reason: 'the connection was lost' };
      this.#events.lost();
    }
  }

  #become(change: StatusChange): void {
    this.status = change;
    this.statuses.emit(change);
  }

  #tick(): void {
    const now = Date.now();
    const slept = now - this.#clockAt > CLOCK_MS + SLEPT_MS;
    this.#clockAt = now;
    const silent = this.isOnline && now - this.#heardAt > this.#pingMs + SILENCE_MS;
    if (slept || silent) this.wake();
  }

  #probe(): void {
    if (this.#probing !== null) return;
    const attempt = this.#attempt;
    this.#probing = setTimeout(() => {
      this.#probing = null;
      this.#ended(attempt, 1006, 'the server does not answer');
    }, PROBE_TIMEOUT_MS);
    this.command({ ping: {} }, () => {
      clear(this.#probing);
      this.#probing = null;
    });
  }

  /** Over the second way: looks whether the first one is free again, and moves there with the session. */
  #planReturn(): void {
    clear(this.#returning);
    this.#returning = setTimeout(() => void this.#tryFirst(), this.#returnMs);
    this.#returnMs = Math.min(this.#returnMs * 2, RETURN_MOST_MS);
  }

  async #tryFirst(): Promise<void> {
    const { transports, url, codec, tokens } = this.#options;
    const attempt = this.#attempt;
    const token = await tokens.get().catch(() => null);
    if (token === null || attempt !== this.#attempt || !this.isOnline) return;
    // Until it is admitted, the link that works goes on; what comes twice is known by its position.
    let mine = -1;
    const link = transports[0]!.open(url, this.#events.hello(token), codec, {
      opened: () => {},
      received: (frames) => {
        if (mine < 0 && attempt === this.#attempt && frames.some((frame) => frame.connected !== undefined)) {
          this.#drop();
          mine = ++this.#attempt;
          this.#way = 0;
          this.#link = link;
        }
        if (mine === this.#attempt) this.#take(frames);
      },
      ended: (code, reason) => {
        if (mine >= 0) this.#ended(mine, code, reason);
        else if (attempt === this.#attempt) this.#planReturn();
      },
    });
    setTimeout(() => {
      if (mine < 0) link.close();
      if (mine < 0 && attempt === this.#attempt) this.#planReturn();
    }, CONNECT_TIMEOUT_MS);
  }

  /** A page that is looked at again, a network that changed: reasons to look whether the server is still there. */
  #listen(): void {
    const { signal } = this.#listening;
    const wake = (): void => this.wake();
    const page = globalThis as unknown as Partial<EventTarget> & {
      document?: EventTarget & { visibilityState?: string };
      navigator?: { connection?: EventTarget };
    };
    page.addEventListener?.('online', wake, { signal });
    page.addEventListener?.('pageshow', wake, { signal });
    page.document?.addEventListener?.('visibilitychange', () => {
      if (page.document?.visibilityState === 'visible') wake();
    }, { signal });
    page.document?.addEventListener?.('resume', wake, { signal });
    page.navigator?.connection?.addEventListener?.('change', wake, { signal });
  }
}

type Timer = ReturnType<typeof setTimeout> | null;

const clear = (timer: Timer): void => {
  if (timer !== null) clearTimeout(timer);
};
