/** The frames of docs/protocol.md, as far as this client writes and reads them. */

/** Any value that JSON can carry, and in MessagePack binary and large integers too. */
export type Data =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Data[]
  | { readonly [key: string]: Data | undefined };

/** A place in a stream. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** What is promised to the publisher. */
export type Level = 'accepted' | 'stored';

export interface Connected {
  session: string;
  secret: string;
  resumed: boolean;
  resume_ms: number;
  user: string;
  inbox: { stream: number; epoch: string; offset: number; delivered?: number; read?: number; recovered?: string };
  ping_ms: number;
  limits?: { message_bytes_max?: number; subscriptions_max?: number; messages_per_minute?: number };
  expires_in_ms?: number;
}

export interface Subscribed {
  channel: string;
  stream: number;
  epoch: string;
  offset: number;
  recovered: 'complete' | 'gap' | 'none';
}

export interface Failure {
  code: number;
  name: string;
  message: string;
  retry: boolean;
  retry_after_ms?: number;
  /** The channel that it is about, where no command was. */
  channel?: string;
}

export interface EntryFrame {
  stream: number;
  offset?: number;
  namespace?: string;
  event: string;
  data: Data;
  from?: string;
  at: number;
}

export interface GapFrame {
  stream: number;
  from: number;
  to: number;
  reason: string;
}

export interface HistoryFrame {
  /** Absent where nothing is known of the stream. */
  epoch?: string;
  offset?: number;
  first: number;
  from: number;
  to: number;
  entries: (Omit<EntryFrame, 'stream' | 'offset'> & { offset: number })[];
  gaps?: Omit<GapFrame, 'stream'>[];
  more: boolean;
}

/** A frame of the server: one of these names, and the id of the command that it answers. */
export interface ServerFrame {
  id?: number;
  connected?: Connected;
  subscribed?: Subscribed;
  unsubscribed?: { channel: string; reason?: string };
  entry?: EntryFrame;
  gap?: GapFrame;
  history?: HistoryFrame;
  error?: Failure;
  close?: { code: number; reason: string; retry_after_ms?: number };
  ping?: object;
  expiring?: { in_ms: number };
  [name: string]: unknown;
}

/** A frame of the client. */
export interface ClientFrame {
  id?: number;
  [command: string]: unknown;
}
