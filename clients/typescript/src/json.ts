/** The client with JSON over WebSocket alone; what else the package has is brought by those who import it. */

import { type Options, type Parts, Tidings } from './client.ts';
import { json } from './codec/json.ts';
import type { TokenSource } from './tokens.ts';
import { webSocket } from './transport/websocket.ts';

export * from './exports.ts';

const parts: Parts = { codec: json, transports: (WebSocket) => [webSocket(WebSocket)] };

/** Connects a user, and stays connected until `disconnect`. */
export const connect = (user: string, token: TokenSource, options: Options = {}): Tidings =>
  new Tidings(user, token, options, parts);
