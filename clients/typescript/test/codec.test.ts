import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { json } from '../src/codec/json.ts';
import { msgpack } from '../src/codec/msgpack.ts';
import type { ClientFrame } from '../src/frames.ts';

const FOLDER = new URL('../../../conformance/', import.meta.url);

type Text = string | { repeat: Text; times: number } | Text[];
interface Vector {
  name: string;
  json?: Text;
  msgpack?: Text;
  frame?: unknown;
}

const vectors = (file: string): Vector[] =>
  (JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as { vectors: Vector[] }).vectors;

/** Long texts are written as what is repeated, and how often. */
const spell = (text: Text): string => {
  if (typeof text === 'string') return text;
  return Array.isArray(text) ? text.map(spell).join('') : spell(text.repeat).repeat(text.times);
};

/** The same inside of a frame. */
const unfold = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.flatMap((item) => (isRepeat(item) && typeof item.repeat === 'object' ? Array(item.times).fill(unfold(item.repeat)) : [unfold(item)]));
  if (value === null || typeof value !== 'object') return value;
  if (isRepeat(value)) return spell(value as Text);
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, unfold(held)]));
};
const isRepeat = (value: unknown): value is { repeat: Text; times: number } =>
  typeof value === 'object' && value !== null && Object.keys(value).sort().join() === 'repeat,times';

/** Integers beyond 2^53 are exact in MessagePack and not in JavaScript's JSON; the vectors say which they are. */
const comparable = ({ name }: Vector): boolean => !name.includes('64-bit');

const files = (folder: string): string[] =>
  readdirSync(new URL(folder, FOLDER)).filter((file) => !file.startsWith('invalid') && file !== 'messages.json').map((file) => `${folder}${file}`);

/** Only what the vector's frame has: unknown fields are there to be ignored. */
const known = (frame: unknown, like: unknown): unknown => {
  if (Array.isArray(like) && Array.isArray(frame) && frame.length === like.length) return frame.map((item, at) => known(item, like[at]));
  if (like === null || typeof like !== 'object' || Array.isArray(like)) return frame;
  const record = (frame ?? {}) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(like).map(([key, held]) => [key, known(record[key], held)]));
};

describe.each(files('server/'))('%s', (file) => {
  it.each(vectors(file).filter(comparable))('$name', (vector) => {
    const frame = unfold(vector.frame);
    if (vector.json !== undefined) {
      const [read] = json.decode(spell(vector.json));
      if (frame !== null) expect(known(read, frame)).toEqual(known(frame, frame));
    }
    if (vector.msgpack !== undefined) {
      const [read] = msgpack.decode(Buffer.from(spell(vector.msgpack), 'hex'));
      if (frame !== null) expect(plain(known(read, frame))).toEqual(known(frame, frame));
    }
  });
});

/** Binary is a base64 string in the other codec. */
const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, plain(held)]));
};

describe.each(files('client/'))('%s', (file) => {
  it.each(vectors(file).filter(comparable))('writes $name so that it reads back', (vector) => {
    const frame = unfold(vector.frame) as ClientFrame;
    const written = msgpack.encode([frame]) as Uint8Array;
    expect(msgpack.decode(written)).toEqual([frame]);
    expect(json.decode(json.encode([frame]))).toEqual([frame]);
    if (vector.msgpack === undefined) return;
    const given = msgpack.decode(Buffer.from(spell(vector.msgpack), 'hex'))[0];
    expect(plain(known(given, withoutDefaults(frame, given)))).toEqual(plain(withoutDefaults(frame, given)));
  });
});

/** The vectors' frames have defaults filled in, which are not on the wire. */
const withoutDefaults = (frame: unknown, given: unknown): unknown => {
  if (Array.isArray(frame) && Array.isArray(given)) return frame.map((item, at) => withoutDefaults(item, given[at]));
  if (frame === null || typeof frame !== 'object' || Array.isArray(frame)) return frame;
  const record = (given ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(frame).filter(([key]) => record[key] !== undefined && record[key] !== null).map(([key, held]) => [key, withoutDefaults(held, record[key])]),
  );
};

describe('MessagePack', () => {
  it('writes integers in their shortest form, byte for byte as the specification has them', () => {
    const cases: [unknown, string][] = [
      [0, '00'], [127, '7f'], [128, 'cc80'], [255, 'ccff'], [256, 'cd0100'], [65_535, 'cdffff'], [65_536, 'ce00010000'],
      [2 ** 32 - 1, 'ceffffffff'], [2 ** 32, 'cf0000000100000000'], [-1, 'ff'], [-32, 'e0'], [-33, 'd0df'], [-128, 'd080'],
      [-129, 'd1ff7f'], [-32_769, 'd2ffff7fff'], [-(2 ** 31) - 1, 'd3ffffffff7fffffff'], [2n ** 64n - 1n, 'cfffffffffffffffff'],
      [-(2n ** 63n), 'd38000000000000000'], [1.5, 'cb3ff8000000000000'], [-0, 'cb8000000000000000'], [null, 'c0'], [true, 'c3'],
      ['', 'a0'], ['ü', 'a2c3bc'], ['x'.repeat(32), `d920${'78'.repeat(32)}`], ['x'.repeat(256), `da0100${'78'.repeat(256)}`],
      [Uint8Array.of(1, 2), 'c4020102'], [[], '90'], [{ a: undefined, b: 1 }, '81a16201'], [new Date(0), 'b8313937302d30312d30315430303a30303a30302e3030305a'],
    ];
    for (const [value, hex] of cases) {
      expect(Buffer.from(msgpack.encode([value as ClientFrame]) as Uint8Array).toString('hex')).toBe(hex);
    }
  });

  it('refuses what is cut short, nests without end, or is of no kind that the protocol has', () => {
    for (const hex of ['81a3', 'a5', 'cd01', 'c1', 'd40100', '8101', 'dd7fffffff', '91'.repeat(100_000)]) {
      expect(() => msgpack.decode(Buffer.from(hex, 'hex')), hex.slice(0, 20)).toThrow();
    }
    expect(() => msgpack.encode([{ f: () => 1 } as never])).toThrow(TypeError);
  });

  it('makes no prototype of what a peer names so', () => {
    const [frame] = msgpack.decode(msgpack.encode([JSON.parse('{"__proto__":{"polluted":1}}') as ClientFrame]) as Uint8Array);
    expect(Object.getPrototypeOf(frame)).toBe(Object.prototype);
    expect((frame as { polluted?: number }).polluted).toBeUndefined();
  });
});
