/** When to try again. */
export interface BackoffOptions {
  /** The most that the first pause may last, 500 ms. */
  firstMs?: number;
  /** The most that any pause may last, 30 s. */
  mostMs?: number;
  /** From 0 to 1; for tests. */
  random?: () => number;
}

/**
 * Exponential back-off with full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015): each
 * pause is anything between nothing and a bound that doubles, so that clients that lost a server together come back apart.
 */
export class Backoff {
  #attempts = 0;
  readonly #firstMs: number;
  readonly #mostMs: number;
  readonly #random: () => number;

  constructor({ firstMs = 500, mostMs = 30_000, random = Math.random }: BackoffOptions = {}) {
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
    this.#random = random;
  }

  /** The next pause. The server's own advice, which it spreads over its clients, is taken as the least. */
  next(adviceMs = 0): number {
    const bound = Math.min(this.#mostMs, this.#firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return adviceMs + this.#random() * bound;
  }

  reset(): void {
    this.#attempts = 0;
  }
}
