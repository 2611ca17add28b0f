import type { Codec } from '../codec/codec.ts';
import type { ClientFrame, ServerFrame } from '../frames.ts';

/** What a link tells. Nothing is told after `ended`. */
export interface LinkEvents {
  /** The way is open: the server took the connection. */
  opened(): void;
  /** Frames of one message, in their order. */
  received(frames: ServerFrame[]): void;
  /** It is over; `code` is the WebSocket's close code or one of the protocol's, 1006 where there was none. */
  ended(code: number, reason: string): void;
}

/** One connection to a server. */
export interface Link {
  /** Sends frames, in this order. */
  send(frames: readonly ClientFrame[]): void;
  /** Ends it. `ended` is not told any more. */
  close(): void;
}

/** A way to a server. */
export interface Transport {
  readonly name: 'websocket' | 'sse';
  /** Whether this platform has it. */
  available(): boolean;
  /** Opens a connection. `hello` is sent first; it begins with `connect`. */
  open(url: string, hello: readonly ClientFrame[], codec: Codec, events: LinkEvents): Link;
}
