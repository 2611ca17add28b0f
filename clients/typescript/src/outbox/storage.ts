import type { Data, Position } from '../frames.ts';

/** What a publication is, so that it can be kept and sent again. */
export interface Kept {
  /** Its place among all that this client has emitted. */
  seq: number;
  /** Made once; every attempt carries the same, so that the server takes it once. */
  readonly key: string;
  readonly command: 'publish' | 'send';
  readonly body: { readonly [field: string]: Data | undefined };
  /** When it was emitted, milliseconds since 1970. */
  readonly at: number;
  /** When it was first sent, if it was. */
  sentAt?: number;
}

/** The answer to a publication. */
export interface Receipt {
  readonly level: 'accepted' | 'stored';
  /** Its place in a channel; none for what was sent to a user. */
  readonly position?: Position;
  /** How many sessions the user has who it was sent to. */
  readonly sessions?: number;
}

/** Where publications wait beyond the life of the page. */
export interface OutboxStorage {
  /** All that is kept, in the order of `seq`. */
  load(): Promise<Kept[]>;
  put(kept: Kept): Promise<void>;
  remove(seq: number): Promise<void>;
}

/** Keeps nothing beyond the page. */
export const memory: OutboxStorage = {
  load: () => Promise.resolve([]),
  put: () => Promise.resolve(),
  remove: () => Promise.resolve(),
};
