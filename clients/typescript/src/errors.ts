import { CLOSE_TOKEN_EXPIRED, CLOSE_TOKEN_REVOKED, CLOSE_UNAUTHORIZED, UNAUTHORIZED } from './codes.ts';
import type { Failure } from './frames.ts';

/** What went wrong, in one kind of error for everything that this client rejects with. */
export class TidingsError extends Error {
  override readonly name = 'TidingsError';
  /** A code of docs/protocol.md, section 9; 0 for what this client found by itself. */
  readonly code: number;
  /** The code's name, or one of `offline`, `closed`, `full`, `unknown`, `timeout`. */
  readonly kind: string;
  /** Whether the same attempt may succeed later. */
  readonly retry: boolean;
  /** When, if the server told. */
  readonly retryAfterMs: number | undefined;
  /** The channel that may not, or no longer, be had, where it is about one. */
  readonly channel: string | undefined;

  constructor(kind: string, message: string, code = 0, retry = false, retryAfterMs?: number, channel?: string) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.retry = retry;
    this.retryAfterMs = retryAfterMs;
    this.channel = channel;
  }

  static from(failure: Failure, of = failure.channel): TidingsError {
    const { code, name, message, retry, retry_after_ms } = failure;
    return new TidingsError(name, message, code, retry, retry_after_ms, of);
  }
}

/** Whether a connection that was closed with this code may be opened again without anything being changed. */
export const comesBack = (code: number): boolean => code < 3500 || code > 4999;

/** Whether another token may help. */
export const wantsToken = (code: number): boolean =>
  code === CLOSE_UNAUTHORIZED || code === CLOSE_TOKEN_REVOKED || code === CLOSE_TOKEN_EXPIRED || code === UNAUTHORIZED;
