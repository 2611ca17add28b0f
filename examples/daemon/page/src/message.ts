import type { Data } from '@tidings/client';

/** The event that a message is. */
export const MESSAGE = 'NEW_MESSAGE';

/** A message. `id` is the writer's own, and known before the server has answered; empty where the writer has none. */
export interface Message {
  readonly id: string;
  readonly text: string;
}

/** What somebody published as a message, made into one: anybody may publish anything. */
export const messageOf = (data: Data): Message => {
  const { id, text } = (typeof data === 'object' && data !== null ? data : {}) as { id?: unknown; text?: unknown };
  return { id: typeof id === 'string' ? id : '', text: typeof text === 'string' ? text : JSON.stringify(data, plain) };
};

const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
