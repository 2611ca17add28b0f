import type { ServerFrame } from '../frames.ts';
import type { Codec } from './codec.ts';

/** JSON has no binary: it goes as base64, as the server has it (docs/protocol.md, section 6). */
const plain = (_: string, value: unknown): unknown => {
  if (value instanceof Uint8Array) {
    let binary = '';
    for (const byte of value) binary += String.fromCharCode(byte);
    return btoa(binary);
  }
  return typeof value === 'bigint' ? Number(value) : value;
};

/** JSON in text messages, one frame a line. */
export const json: Codec = {
  subprotocol: 'tidings.v1.json',
  encode: (frames) => frames.map((frame) => JSON.stringify(frame, plain)).join('\n'),
  decode(message) {
    const text = typeof message === 'string' ? message : new TextDecoder().decode(message);
    const frames: ServerFrame[] = [];
    for (const line of text.split('\n')) {
      if (line.trim() !== '') frames.push(JSON.parse(line) as ServerFrame);
    }
    return frames;
  },
};
