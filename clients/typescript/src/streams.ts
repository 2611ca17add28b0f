import type { Connected, EntryFrame, GapFrame, Position, Subscribed } from './frames.ts';

/** Most positions that one `connect` may name (docs/protocol.md, section 10). */
const POSITIONS_MAX = 1_024;

/** Entries that will not come. */
export interface Gap {
  /** The channel, `null` for the user's inbox. */
  readonly channel: string | null;
  readonly epoch: string;
  /** The first and the last offset that are missing; `to` is `from - 1` where it is not known that any is. */
  readonly from: number;
  readonly to: number;
  /** `expired`, `epoch`, `future`, `lost`. */
  readonly reason: string;
}

/** A channel or the inbox, and how far this client has come in it. */
export class Stream {
  /** `null`: the inbox. */
  readonly channel: string | null;
  /** Its number on this connection, `null` while it is not joined. */
  number: number | null = null;
  position: Position | null = null;
  /** Offsets whose handlers have not returned yet. */
  readonly #busy = new Set<number>();
  #done = 0;
  /** Where this client began, and what it has acknowledged since. */
  #base = 0;
  #acknowledged = 0;

  constructor(channel: string | null) {
    this.channel = channel;
  }

  get namespace(): string | null {
    return this.channel === null ? null : this.channel.slice(0, this.channel.indexOf(':'));
  }

  /** Takes the next entry. False if it was there before. */
  take(offset: number): boolean {
    const position = this.position;
    if (position === null) return true;
    if (offset <= position.offset) return false;
    this.position = { epoch: position.epoch, offset };
    this.#busy.add(offset);
    return true;
  }

  /** The application is done with an entry. */
  finish(offset: number): void {
    this.#busy.delete(offset);
    this.#done = Math.max(this.#done, offset);
  }

  /** Up to where everything was handled, if that is news to the server. */
  acknowledge(): number | null {
    let upTo = this.#done;
    for (const offset of this.#busy) upTo = Math.min(upTo, offset - 1);
    if (upTo <= this.#acknowledged) return null;
    this.#acknowledged = upTo;
    return upTo;
  }

  /** What was acknowledged is told again on another connection, in case that the last one took it with it. */
  acknowledgeAgain(): void {
    this.#acknowledged = this.#base;
  }

  /** Goes on from here: what lies before is no matter of this client's any more. */
  begin(epoch: string, offset: number): void {
    if (this.position?.epoch !== epoch || offset < this.position.offset) {
      this.#busy.clear();
      this.#done = this.#base = this.#acknowledged = offset;
    }
    this.#done = Math.max(this.#done, offset);
    this.position = { epoch, offset };
  }
}

/** All streams that this client is in, by name and by number. */
export class Streams {
  readonly inbox = new Stream(null);
  readonly channels = new Map<string, Stream>();
  readonly #numbers = new Map<number, Stream>();
  /** Entries that came twice and were not handed on. */
  duplicates = 0;

  /** The channel, known from now on. */
  channel(name: string): Stream {
    let stream = this.channels.get(name);
    if (stream === undefined) {
      stream = new Stream(name);
      this.channels.set(name, stream);
    }
    return stream;
  }

  forget(name: string): void {
    const stream = this.channels.get(name);
    if (stream === undefined) return;
    if (stream.number !== null) this.#numbers.delete(stream.number);
    this.channels.delete(name);
  }

  /** The connection is gone, and the numbers with it. */
  unbind(): void {
    this.#numbers.clear();
    for (const stream of this.all()) {
      stream.number = null;
      stream.acknowledgeAgain();
    }
  }

  *all(): Iterable<Stream> {
    yield this.inbox;
    yield* this.channels.values();
  }

  /** Where this client is, for `connect.resume`. */
  positions(): object[] {
    const positions: object[] = [];
    for (const { channel, position } of this.all()) {
      if (position === null || positions.length === POSITIONS_MAX) continue;
      positions.push(channel === null ? { inbox: true, ...position } : { channel, ...position });
    }
    return positions;
  }

  connected({ stream, epoch, offset, delivered }: Connected['inbox']): void {
    const from = delivered ?? offset;
    const known = this.inbox.position;
    this.inbox.begin(epoch, known?.epoch === epoch ? Math.max(known.offset, from) : from);
    this.#bind(this.inbox, stream);
  }

  subscribed({ channel, stream, epoch, offset, recovered }: Subscribed, since: Position | null): Stream | null {
    const joined = this.channels.get(channel);
    if (joined === undefined) return null;
    const from = joined.position ?? since;
    // Behind `gap` the frame of that name follows and tells where it goes on.
    if (recovered === 'none') joined.begin(epoch, offset);
    else joined.begin(epoch, from?.epoch === epoch ? from.offset : 0);
    this.#bind(joined, stream);
    return joined;
  }

  /** The stream of an entry that is new, else nothing. */
  take({ stream: number, offset }: EntryFrame): Stream | null {
    const stream = this.#numbers.get(number);
    if (stream === undefined) return null;
    if (offset === undefined || stream.take(offset)) return stream;
    this.duplicates += 1;
    return null;
  }

  gap({ stream: number, from, to, reason }: GapFrame): Gap | null {
    const stream = this.#numbers.get(number);
    const position = stream?.position;
    if (stream === undefined || !position) return null;
    // A position that the server never gave leads back to what it has.
    const leap = reason === 'epoch' || reason === 'future';
    stream.begin(position.epoch, leap ? to : Math.max(position.offset, to));
    return { channel: stream.channel, epoch: position.epoch, from, to, reason };
  }

  #bind(stream: Stream, number: number): void {
    stream.number = number;
    this.#numbers.set(number, stream);
  }
}
