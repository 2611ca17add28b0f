import { BUSY, RATE_LIMITED } from '../codes.ts';
import { Emitter } from '../emitter.ts';
import { TidingsError } from '../errors.ts';
import type { ClientFrame, Failure, ServerFrame } from '../frames.ts';
import type { Kept, OutboxStorage, Receipt } from './storage.ts';

/** What became of a publication so far. Whether its receivers have it or have read it, the server does not tell. */
export type EmissionState = 'queued' | 'sent' | 'accepted' | 'stored' | 'failed';

/** How many may be under way at the same time. */
const WINDOW = 64;

/** Attempts after errors that may pass by themselves. */
const ATTEMPTS_MAX = 5;
const RETRY_MS = 1_000;

export interface OutboxOptions {
  /** Most publications that wait, 1,000. One more is refused at once. */
  max?: number;
  /** Time in which the server knows a publication again, 2 min in milliseconds (its setting `times.idempotency_window_ms`). */
  windowMs?: number;
}

/** A publication on its way. Awaiting it waits for its answer. */
export class Emission implements PromiseLike<Receipt> {
  readonly #kept: Kept;
  #current: EmissionState = 'queued';
  readonly #states = new Emitter<EmissionState>();
  readonly #outcome: Promise<Receipt>;
  #settle!: { resolve: (receipt: Receipt) => void; reject: (error: TidingsError) => void };

  constructor(kept: Kept) {
    this.#kept = kept;
    this.#outcome = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Who does not wait for it need not catch it either: its state tells.
    this.#outcome.catch(() => {});
  }

  get state(): EmissionState {
    return this.#current;
  }

  /** What is published. */
  get body(): Kept['body'] {
    return this.#kept.body;
  }

  /** When it was emitted, milliseconds since 1970. */
  get at(): number {
    return this.#kept.at;
  }

  /** Hears each change of the state; calling what is returned ends that. */
  onState(listener: (state: EmissionState) => void): () => void {
    return this.#states.on(listener);
  }

  then<A = Receipt, B = never>(
    fulfilled?: ((receipt: Receipt) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#outcome.then(fulfilled, rejected);
  }

  catch<B = never>(rejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<Receipt | B> {
    return this.#outcome.catch(rejected);
  }

  /** For the outbox. */
  move(state: EmissionState): void {
    if (state === this.#current) return;
    this.#current = state;
    this.#states.emit(state);
  }

  /** For the outbox. */
  end(result: Receipt | TidingsError): void {
    if (result instanceof TidingsError) {
      this.move('failed');
      this.#settle.reject(result);
    } else {
      this.move(result.level);
      this.#settle.resolve(result);
    }
  }
}

interface Item {
  kept: Kept;
  emission: Emission;
  attempts: number;
  /** It is under way on this connection. */
  sent: boolean;
}

/** How the outbox reaches the server: a command, answered once; never when the connection is lost first. */
export type Command = (frame: ClientFrame, answered: (answer: ServerFrame) => void) => void;

/** What was emitted and is not answered yet: sent in order, kept while there is no connection, sent again after one was lost. */
export class Outbox {
  #items: Item[] = [];
  #nextSeq = 1;
  #online: Command | null = null;
  #underWay = 0;
  #pausedUntil = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #ready: Promise<void>;
  #isReady = false;
  readonly #storage: OutboxStorage;
  readonly #max: number;
  readonly #windowMs: number;
  readonly #changed: () => void;

  constructor(storage: OutboxStorage, changed: () => void, { max = 1_000, windowMs = 120_000 }: OutboxOptions = {}) {
    this.#storage = storage;
    this.#changed = changed;
    this.#max = max;
    this.#windowMs = windowMs;
    this.#ready = this.#load();
  }

  /** All that wait, in their order. */
  get waiting(): readonly Emission[] {
    return this.#items.map((item) => item.emission);
  }

  /** Takes a publication. One that is worth nothing later is not kept where it would have to wait. */
  emit(command: 'publish' | 'send', body: Kept['body'], isDropped = false): Emission {
    const key = randomKey();
    const kept: Kept = { seq: this.#nextSeq++, key, command, body: { ...body, idempotency_key: key }, at: Date.now() };
    const emission = new Emission(kept);
    if (isDropped) {
      emission.end(new TidingsError('offline', 'there is no connection, and it was to be sent now or never', 0, true));
      return emission;
    }
    if (this.#items.length >= this.#max) {
      emission.end(new TidingsError('full', `${this.#max} publications wait for the server already; try again when some have left`));
      return emission;
    }
    this.#items.push({ kept, emission, attempts: 0, sent: false });
    this.#keep(kept);
    this.#changed();
    this.#pump();
    return emission;
  }

  /** There is a connection. */
  open(command: Command): void {
    this.#online = command;
    this.#underWay = 0;
    for (const item of this.#items) item.sent = false;
    void this.#ready.then(() => this.#pump());
  }

  /** There is none any more; what was under way is sent again on the next one. */
  close(): void {
    this.#online = null;
    for (const { emission } of this.#items) emission.move('queued');
    this.#changed();
  }

  /** There will be none any more. */
  end(error: TidingsError): void {
    this.#online = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { emission } of this.#items.splice(0)) emission.end(error);
    this.#changed();
  }

  async #load(): Promise<void> {
    try {
      const kept = await this.#storage.load();
      // What an earlier page has left comes before what this one has emitted meanwhile.
      const last = kept.at(-1)?.seq ?? 0;
      for (const item of this.#items) item.kept.seq += last;
      this.#nextSeq += last;
      const earlier = kept.map((one) => ({ kept: one, emission: new Emission(one), attempts: 0, sent: false }));
      this.#items = [...earlier, ...this.#items];
      if (kept.length > 0) this.#changed();
    } catch {
      // A page without storage keeps what it has in memory.
    }
    this.#isReady = true;
  }

  #keep(kept: Kept): void {
    // Before the storage was read its place is not known. A page whose storage fails keeps what it has in memory.
    void this.#ready.then(() => this.#storage.put(kept)).catch(() => {});
  }

  #pump(): void {
    const command = this.#online;
    if (command === null || !this.#isReady) return;
    const now = Date.now();
    if (now < this.#pausedUntil) return this.#wake(this.#pausedUntil - now);
    for (const item of [...this.#items]) {
      if (this.#online !== command || this.#underWay >= WINDOW || Date.now() < this.#pausedUntil) return;
      if (!item.sent) this.#send(item, command, now);
    }
  }

  #send(item: Item, command: Command, now: number): void {
    const { kept, emission } = item;
    if (kept.sentAt !== undefined && now - kept.sentAt >= this.#windowMs) {
      const text = 'it was sent and its answer was lost, too long ago to send it again without the risk that it comes twice';
      return this.#remove(item, new TidingsError('unknown', text));
    }
    if (kept.sentAt === undefined) {
      kept.sentAt = now;
      this.#keep(kept);
    }
    item.sent = true;
    this.#underWay += 1;
    emission.move('sent');
    command({ [kept.command]: kept.body }, (answer) => {
      if (this.#online !== command) return;
      this.#underWay -= 1;
      this.#answered(item, answer);
      this.#pump();
    });
    this.#changed();
  }

  #answered(item: Item, answer: ServerFrame): void {
    if (answer.error === undefined) return this.#remove(item, receipt(answer));
    const failure: Failure = answer.error;
    const paced = failure.code === RATE_LIMITED || failure.code === BUSY;
    item.attempts += paced ? 0 : 1;
    if (!failure.retry || item.attempts >= ATTEMPTS_MAX) return this.#remove(item, TidingsError.from(failure));
    item.sent = false;
    item.emission.move('queued');
    const pause = failure.retry_after_ms ?? RETRY_MS * 2 ** (item.attempts - 1);
    this.#pausedUntil = Math.max(this.#pausedUntil, Date.now() + pause);
  }

  #remove(item: Item, result: Receipt | TidingsError): void {
    this.#items = this.#items.filter((other) => other !== item);
    void this.#ready.then(() => this.#storage.remove(item.kept.seq)).catch(() => {});
    item.emission.end(result);
    this.#changed();
  }

  #wake(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#pump();
    }, ms);
  }
}

const receipt = (answer: ServerFrame): Receipt => {
  const published = answer['published'] as { epoch: string; offset: number; level: Receipt['level'] } | undefined;
  if (published !== undefined) {
    const { epoch, offset, level } = published;
    return offset > 0 ? { level, position: { epoch, offset } } : { level };
  }
  const sent = answer['sent'] as { sessions: number; level: Receipt['level'] } | undefined;
  return { level: sent?.level ?? 'accepted', sessions: sent?.sessions ?? 0 };
};

/** 128 bits, as the protocol asks for nothing but that another publication has another. */
const randomKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
