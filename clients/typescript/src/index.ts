/** The client with both codecs and both transports; `@tidings/client/json` is smaller. */

import { type Options, type Parts, Tidings } from './client.ts';
import { Presence } from './presence.ts';
import { msgpack } from './codec/msgpack.ts';
import type { TokenSource } from './tokens.ts';
import { serverSentEvents } from './transport/sse.ts';
import { webSocket } from './transport/websocket.ts';

export * from './exports.ts';
export { msgpack } from './codec/msgpack.ts';

const parts: Parts = { codec: msgpack, transports: (WebSocket) => [webSocket(WebSocket), serverSentEvents()] };

/** Connects a user, and stays connected until `disconnect`. */
export const connect = (user: string, token: TokenSource, options: Options = {}): Tidings & { readonly presence: Presence } => {
  const client = new Tidings(user, token, options, parts);
  return Object.assign(client, { presence: new Presence(client) });
};
