import type { ServerFrame } from '../frames.ts';
import type { Codec } from './codec.ts';

/**
 * MessagePack (github.com/msgpack/msgpack, spec.md) as far as the protocol has it: no extension types, maps with strings
 * as keys. Integers that a number cannot hold exactly are bigints.
 */
export const msgpack: Codec = {
  subprotocol: 'tidings.v1.msgpack',
  encode(frames) {
    const writer = new Writer();
    for (const frame of frames) writer.value(frame);
    return writer.bytes.subarray(0, writer.at);
  },
  decode(message) {
    if (typeof message === 'string') throw new TypeError('MessagePack comes in binary messages');
    const reader = new Reader(message);
    const frames: ServerFrame[] = [];
    while (reader.at < message.length) frames.push(reader.value() as ServerFrame);
    return frames;
  },
};

const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Up to here a loop over the bytes is faster than the decoder. */
const SHORT = 24;

/** Nesting that no frame passes: the protocol allows 64 levels of data. */
const DEPTH_MAX = 96;

class Writer {
  bytes = new Uint8Array(256);
  view = new DataView(this.bytes.buffer);
  at = 0;

  value(value: unknown, depth = 0): void {
    if (depth > DEPTH_MAX) throw new RangeError('data nests too deep');
    if (value === null || value === undefined) this.#byte(0xc0);
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'bigint') this.#bigint(value);
    else if (typeof value === 'string') this.#string(value);
    else if (value instanceof Uint8Array) this.#binary(value);
    else if (Array.isArray(value)) {
      this.#head(value.length, 0x90, 15, 0, 0xdc);
      for (const item of value) this.value(item, depth + 1);
    } else if (typeof value === 'object') this.#map(value as Record<string, unknown>, depth);
    else throw new TypeError(`data cannot hold a ${typeof value}`);
  }

  #map(value: Record<string, unknown> & { toJSON?: () => unknown }, depth: number): void {
    if (typeof value.toJSON === 'function') return this.value(value.toJSON(), depth);
    const keys = Object.keys(value).filter((key) => value[key] !== undefined);
    this.#head(keys.length, 0x80, 15, 0, 0xde);
    for (const key of keys) {
      this.#string(key);
      this.value(value[key], depth + 1);
    }
  }

  #number(value: number): void {
    if (!Number.isFinite(value)) return this.#byte(0xc0);
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#byte(0xcb);
      return this.#put(8, (at) => this.view.setFloat64(at, value));
    }
    if (value >= 0 ? value < 0x80 : value >= -0x20) return this.#byte(value & 0xff);
    if (value >= 0) {
      if (value <= 0xff) return this.#sized(0xcc, 1, value);
      if (value <= 0xffff) return this.#sized(0xcd, 2, value);
      if (value <= 0xffff_ffff) return this.#sized(0xce, 4, value);
    } else {
      if (value >= -0x80) return this.#sized(0xd0, 1, value & 0xff);
      if (value >= -0x8000) return this.#sized(0xd1, 2, value & 0xffff);
      if (value >= -0x8000_0000) return this.#sized(0xd2, 4, value >>> 0);
    }
    this.#bigint(BigInt(value));
  }

  #bigint(value: bigint): void {
    if (value < -(2n ** 63n) || value >= 2n ** 64n) throw new RangeError('an integer has at most 64 bits');
    this.#byte(value < 0n ? 0xd3 : 0xcf);
    this.#put(8, (at) => this.view.setBigUint64(at, BigInt.asUintN(64, value)));
  }

  #string(value: string): void {
    const most = value.length * 3;
    this.#room(most + 5);
    // The header goes in front, in as few bytes as the length needs: so it is measured first.
    const start = this.at + 5;
    const { written } = utf8.encodeInto(value, this.bytes.subarray(start, start + most));
    this.#head(written, 0xa0, 31, 0xd9, 0xda);
    this.bytes.copyWithin(this.at, start, start + written);
    this.at += written;
  }

  #binary(value: Uint8Array): void {
    this.#head(value.length, 0, -1, 0xc4, 0xc5);
    this.#room(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  /** The header of what has a length: in the first byte, in one more (where there is such a form), in two, in four. */
  #head(length: number, fix: number, fixMax: number, one: number, two: number): void {
    if (length <= fixMax) this.#byte(fix | length);
    else if (one !== 0 && length <= 0xff) this.#sized(one, 1, length);
    else if (length <= 0xffff) this.#sized(two, 2, length);
    else this.#sized(two + 1, 4, length);
  }

  #byte(byte: number): void {
    this.#put(1, (at) => this.view.setUint8(at, byte));
  }

  #sized(first: number, size: 1 | 2 | 4, value: number): void {
    this.#byte(first);
    this.#put(size, (at) => {
      if (size === 1) this.view.setUint8(at, value);
      else if (size === 2) this.view.setUint16(at, value);
      else this.view.setUint32(at, value);
    });
  }

  #put(size: number, write: (at: number) => void): void {
    this.#room(size);
    write(this.at);
    this.at += size;
  }

  #room(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.at + more));
    larger.set(this.bytes);
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}

class Reader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  value(depth = 0): unknown {
    if (depth > DEPTH_MAX) throw new RangeError('a message nests too deep');
    const first = this.#view.getUint8(this.at++);
    if (first < 0x80) return first;
    if (first >= 0xe0) return first - 0x100;
    if (first < 0x90) return this.#map(first & 0x0f, depth);
    if (first < 0xa0) return this.#array(first & 0x0f, depth);
    if (first < 0xc0) return this.#string(first & 0x1f);
    switch (first) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: case 0xc5: case 0xc6: return this.#slice(this.#uint(1 << (first - 0xc4))).slice();
      case 0xca: return this.#take(4, (at) => this.#view.getFloat32(at));
      case 0xcb: return this.#take(8, (at) => this.#view.getFloat64(at));
      case 0xcc: case 0xcd: case 0xce: return this.#uint(1 << (first - 0xcc));
      case 0xcf: return exact(this.#take(8, (at) => this.#view.getBigUint64(at)));
      case 0xd0: return this.#take(1, (at) => this.#view.getInt8(at));
      case 0xd1: return this.#take(2, (at) => this.#view.getInt16(at));
      case 0xd2: return this.#take(4, (at) => this.#view.getInt32(at));
      case 0xd3: return exact(this.#take(8, (at) => this.#view.getBigInt64(at)));
      case 0xd9: case 0xda: case 0xdb: return this.#string(this.#uint(1 << (first - 0xd9)));
      case 0xdc: case 0xdd: return this.#array(this.#uint(2 << (first - 0xdc)), depth);
      case 0xde: case 0xdf: return this.#map(this.#uint(2 << (first - 0xde)), depth);
      default: throw new TypeError(`the byte ${first.toString(16)} begins no value of the protocol`);
    }
  }

  #map(length: number, depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    for (let left = length; left > 0; left--) {
      const key = this.value(DEPTH_MAX);
      if (typeof key !== 'string') throw new TypeError('a key is a string');
      const value = this.value(depth + 1);
      if (key === '__proto__') Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
      else map[key] = value;
    }
    return map;
  }

  #array(length: number, depth: number): unknown[] {
    const array: unknown[] = [];
    for (let left = length; left > 0; left--) array.push(this.value(depth + 1));
    return array;
  }

  #string(length: number): string {
    const bytes = this.#slice(length);
    if (length <= SHORT) {
      let short = '';
      for (const byte of bytes) {
        if (byte >= 0x80) return text.decode(bytes);
        short += String.fromCharCode(byte);
      }
      return short;
    }
    return text.decode(bytes);
  }

  #uint(size: number): number {
    return this.#take(size, (at) =>
      size === 1 ? this.#view.getUint8(at) : size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at));
  }

  #slice(length: number): Uint8Array {
    return this.#take(length, (at) => this.#bytes.subarray(at, at + length));
  }

  #take<T>(size: number, read: (at: number) => T): T {
    if (this.at + size > this.#bytes.length) throw new RangeError('a message ends in the middle of a value');
    const value = read(this.at);
    this.at += size;
    return value;
  }
}

const exact = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
