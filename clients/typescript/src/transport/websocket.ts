import type { Transport } from './transport.ts';

/** What this client needs of a WebSocket: browsers' own, Node's from version 22, and the package `ws` fit. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketClass = new (url: string, protocols?: string | string[]) => WebSocketLike;

const OPEN = 1;

/** Frames over a WebSocket, at `/ws`. */
export const webSocket = (Socket = (globalThis as { WebSocket?: WebSocketClass }).WebSocket): Transport => ({
  name: 'websocket',
  available: () => Socket !== undefined,
  open(url, hello, codec, events) {
    const socket = new Socket!(`${url.replace(/^http/, 'ws')}/ws`, codec.subprotocol);
    socket.binaryType = 'arraybuffer';
    let over = false;
    const end = (code: number, reason: string): void => {
      if (over) return;
      over = true;
      socket.onopen = socket.onmessage = socket.onclose = null;
      // A socket that fails while it opens may tell an error later still, which nobody has to hear.
      socket.onerror = () => {};
      events.ended(code, reason);
    };
    socket.onopen = () => {
      events.opened();
      if (!over) socket.send(codec.encode(hello));
    };
    socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => {
      let frames;
      try {
        frames = codec.decode(typeof data === 'string' ? data : new Uint8Array(data));
      } catch (error) {
        socket.close(4000, 'unreadable');
        return end(1007, `the server sent what cannot be read: ${String(error)}`);
      }
      events.received(frames);
    };
    socket.onclose = ({ code, reason }: { code: number; reason: unknown }) => end(code, String(reason ?? ''));
    socket.onerror = () => {};
    return {
      send: (frames) => {
        if (!over && socket.readyState === OPEN) socket.send(codec.encode(frames));
      },
      close: () => {
        if (over) return;
        over = true;
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.onerror = () => {};
        socket.close(1000);
      },
    };
  },
});
