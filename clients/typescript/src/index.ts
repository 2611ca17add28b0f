/** The client with both codecs and both transports; `@tidings/client/json` is smaller. */

import { type Options, type Parts, Tidings } from './client.ts';
import { msgpack } from './codec/msgpack.ts';
import type { TokenSource } from './tokens.ts';
import { serverSentEvents } from './transport/sse.ts';
import { webSocket } from './transport/websocket.ts';

export * from './exports.ts';
export { msgpack } from './codec/msgpack.ts';

const parts: Parts = { codec: msgpack, transports: (WebSocket) => [webSocket(WebSocket), serverSentEvents()] };

/** Connects a user, and stays connected until `disconnect`. */
export const connect = (user: string, token: TokenSource, options: Options = {}): Tidings =>
  new Tidings(user, token, options, parts);
