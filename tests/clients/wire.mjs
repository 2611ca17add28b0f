// A client of Tidings over the `ws` library, as its documentation says to use it.

import { decodeMulti, encode } from '@msgpack/msgpack';
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline/promises';
import { WebSocket } from 'ws';

const PATIENCE_MS = 15_000;

export const SUBPROTOCOLS = { json: 'tidings.v1.json', msgpack: 'tidings.v1.msgpack' };

// 64-bit integers are BigInt in MessagePack, and so that nothing is lost, here in the tests as well.
const MSGPACK = { useBigInt64: true };

/** One message that holds `frames`. */
export function pack(codec, frames) {
  if (codec === 'json') return frames.map((frame) => JSON.stringify(frame)).join('\n');
  return Buffer.concat(frames.map((frame) => encode(frame, MSGPACK)));
}

/** The frames of a message. */
function unpack(codec, data, isBinary) {
  assert.equal(isBinary, codec === 'msgpack');
  if (codec === 'json') {
    return data.toString().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
  }
  return [...decodeMulti(data, MSGPACK)].map(withNumbers);
}

/** With a number for every BigInt that is one exactly: offsets are told in whatever width fits. */
function withNumbers(value) {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(withNumbers);
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, withNumbers(held)]));
}

/** Waits for what ought to come soon. */
export async function inTime(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come in ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One connection. The library's defaults are left alone: it offers compression. */
export class Client {
  unread = [];
  passed = [];
  lastId = 0;
  wake = () => {};

  constructor(socket, codec) {
    this.socket = socket;
    this.codec = codec;
    socket.on('message', (data, isBinary) => {
      this.unread.push(...unpack(codec, data, isBinary).filter((frame) => !('ping' in frame)));
      this.wake();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  static async open(url, codec) {
    const socket = new WebSocket(url, [SUBPROTOCOLS[codec]]);
    const client = new Client(socket, codec);
    await inTime('a handshake', new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)));
    assert.equal(socket.protocol, SUBPROTOCOLS[codec]);
    return client;
  }

  send(...frames) {
    this.socket.send(pack(this.codec, frames));
  }

  async arrival() {
    while (this.unread.length === 0) {
      await inTime('a frame', new Promise((resolve) => (this.wake = resolve)));
    }
    return this.unread.shift();
  }

  /** The next frame. */
  async frame() {
    return this.passed.length > 0 ? this.passed.shift() : this.arrival();
  }

  /** Gives a command and returns the frame that answers it. What comes before stays to be read. */
  async answer(command, body) {
    const id = ++this.lastId;
    this.send({ id, [command]: body });
    for (;;) {
      const frame = await this.arrival();
      if (frame.id === id) return frame;
      this.passed.push(frame);
    }
  }

  async done(command, answer, body) {
    const frame = await this.answer(command, body);
    assert.ok(answer in frame, JSON.stringify(frame));
    return frame[answer];
  }

  connect(token) {
    return this.done('connect', 'connected', { token });
  }

  subscribe(channel, since = null) {
    return this.done('subscribe', 'subscribed', { channel, since });
  }

  publish(channel, data) {
    return this.done('publish', 'published', { channel, event: 'E', data });
  }

  /** The next `count` entries, each of which must follow the one before. */
  async entries(count) {
    const entries = [];
    while (entries.length < count) {
      const { entry } = await this.frame();
      assert.ok(entry, 'something else came than an entry');
      if (entries.length > 0) assert.equal(entry.offset, entries.at(-1).offset + 1);
      entries.push(entry);
    }
    return entries;
  }

  /** Makes sure that nothing came that nobody looked at. */
  async quiet() {
    await this.done('ping', 'pong', {});
    assert.deepEqual(this.passed, []);
  }
}

/** Lines of standard input, each a JSON value; `null` at its end. */
export function listen() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  return async () => {
    const { done, value } = await lines.next();
    return done ? null : JSON.parse(value);
  };
}

/** Runs the function of `scenarios` that the command line names, with what standard input tells. */
export async function main(scenarios) {
  const [name, codec] = process.argv.slice(2);
  const { url, tokens } = await listen()();
  await scenarios[name](url, tokens, codec);
  // Connections that a scenario left open must not keep the process.
  process.exit(0);
}
