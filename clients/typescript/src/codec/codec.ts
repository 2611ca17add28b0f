import type { ClientFrame, ServerFrame } from '../frames.ts';

/** How frames are written and read. */
export interface Codec {
  /** The subprotocol that asks for it. */
  readonly subprotocol: string;
  /** One message that holds these frames. */
  encode(frames: readonly ClientFrame[]): string | Uint8Array;
  /** The frames of a message. Throws where the message is none. */
  decode(message: string | Uint8Array): ServerFrame[];
}
