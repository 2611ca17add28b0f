import type { Tidings } from './client.ts';
import { TidingsError } from './errors.ts';
import type { Data, HistoryFrame, Position } from './frames.ts';
import type { Meta } from './handlers.ts';
import type { Gap } from './streams.ts';

/** Where to begin, and how much is wanted. With neither `since` nor `before`, the newest. */
export interface HistoryOptions {
  /** What followed this position, the oldest first. */
  readonly since?: Position | undefined;
  /** The last of those before this position. Not beside `since`. */
  readonly before?: Position | undefined;
  /** Most entries; the server may give fewer at once. */
  readonly limit?: number | undefined;
}

/** An entry of the past: what a handler of events gets, in one. */
export interface HistoryEntry<D = Data> extends Meta {
  readonly data: D;
  readonly position: Position;
}

/** A part of what a channel or the inbox keeps. */
export interface HistoryPage<D = Data> {
  /** By rising offset. */
  readonly entries: readonly HistoryEntry<D>[];
  /** What is not there of what was asked for. */
  readonly gaps: readonly Gap[];
  /** Where the stream stands; `null` where the server knows nothing of it. */
  readonly position: Position | null;
  /** The first offset that is kept. */
  readonly first: number;
  /** What to ask for next in the same direction; `null` at the end. */
  readonly next: HistoryOptions | null;
}

/** What the server told, for the application. */
export const pageOf = <D>(told: HistoryFrame, channel: string | null, { since, limit }: HistoryOptions): HistoryPage<D> => {
  const { epoch = '', offset, first, from, to, entries, gaps = [], more } = told;
  const namespace = channel === null ? null : channel.slice(0, channel.indexOf(':'));
  return {
    entries: entries.map(({ offset, ...entry }) => ({ ...entry, namespace, channel, position: { epoch, offset } }) as HistoryEntry<D>),
    gaps: gaps.map((gap) => ({ channel, epoch, ...gap })),
    position: offset === undefined ? null : { epoch, offset },
    first,
    next: more ? (since === undefined ? { before: { epoch, offset: from }, limit } : { since: { epoch, offset: to }, limit }) : null,
  };
};

/** Pauses where the server asks for one, and how often it may ask in a row. */
const PAUSE_MS = 1_000;
const TRIES = 5;

const patient = async <D>(client: Tidings, channel: string | null, options: HistoryOptions): Promise<HistoryPage<D>> => {
  for (let tries = 1; ; tries++) {
    try {
      return await client.history<D>(channel, options);
    } catch (error) {
      if (!(error instanceof TidingsError) || !error.retry || error.kind === 'offline' || tries === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? PAUSE_MS));
    }
  }
};

/** Page after page, as they are looped over. Waits where the server paces. */
export async function* pages<D = Data>(client: Tidings, channel: string | null, options: HistoryOptions = {}): AsyncGenerator<HistoryPage<D>, void> {
  for (let next: HistoryOptions | null = options; next !== null; ) {
    const page: HistoryPage<D> = await patient<D>(client, channel, next);
    yield page;
    ({ next } = page);
  }
}

/** What can still be had of a gap, by rising offset. */
export async function* entriesIn<D = Data>(client: Tidings, { channel, epoch, from, to }: Gap): AsyncGenerator<HistoryEntry<D>, void> {
  if (to < from) return;
  for await (const { entries, position, first } of pages<D>(client, channel, { since: { epoch, offset: from - 1 }, limit: to - from + 1 })) {
    if (position?.epoch !== epoch) return;
    for (const entry of entries) {
      if (entry.position.offset > to) return;
      yield entry;
    }
    if (first > to || (entries.at(-1)?.position.offset ?? to) >= to) return;
  }
}

/**
 * Asks, for each gap, for what can still be had of it, and hands that on; what it returns ends it. What comes so stands behind
 * what came after the gap, and is not acknowledged by itself.
 */
export const fillGaps = <D = Data>(client: Tidings, handler: (data: D, meta: Meta) => void): (() => void) => {
  let ended = false;
  const off = client.onGap((gap) => void fill(gap));
  const fill = async (gap: Gap): Promise<void> => {
    try {
      for await (const { data, ...meta } of entriesIn<D>(client, gap)) {
        if (ended) return;
        handler(data, meta);
      }
    } catch (error) {
      client.report(error instanceof TidingsError ? error : new TidingsError('closed', String(error)));
    }
  };
  return () => {
    ended = true;
    off();
  };
};
