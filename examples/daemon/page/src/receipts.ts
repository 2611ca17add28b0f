import type { Position } from '@tidings/client';

/** Told in the channel's `realtime` twin, to whoever is there: up to where a user has a channel's messages, and has read them. */
export const RECEIPT = 'RECEIPT';

/** Asks the others for theirs. */
export const RECEIPT_WANTED = 'RECEIPT_WANTED';

/** How far one user has come in a channel. */
export interface Progress {
  readonly epoch: string;
  readonly delivered: number;
  readonly read: number;
}

/** What became of a message of one's own. */
export type Fate = 'stored' | 'delivered' | 'read';

/** How far a user has come who has just got this. Another epoch is another life of the channel, where all begins anew. */
export const advance = (before: Progress | null, { epoch, offset }: Position, isRead: boolean): Progress => {
  const from = before?.epoch === epoch ? before : { epoch, delivered: 0, read: 0 };
  const delivered = Math.max(from.delivered, offset);
  return { epoch, delivered, read: isRead ? Math.max(from.read, offset) : from.read };
};

/** What somebody told, if it is a receipt at all: anybody may publish anything. */
export const progressOf = (data: unknown): Progress | null => {
  if (typeof data !== 'object' || data === null) return null;
  const { epoch, delivered, read } = data as Record<string, unknown>;
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  return typeof epoch === 'string' && isCount(delivered) && isCount(read) ? { epoch, delivered, read } : null;
};

/** What became of the message at this place: the furthest that anybody has come. */
export const fateOf = ({ epoch, offset }: Position, others: Iterable<Progress>): Fate => {
  let fate: Fate = 'stored';
  for (const other of others) {
    if (other.epoch !== epoch) continue;
    if (other.read >= offset) return 'read';
    if (other.delivered >= offset) fate = 'delivered';
  }
  return fate;
};
