import { TidingsError } from './errors.ts';

/** A token, or how to get one: called again when the one before has ended. */
export type TokenSource = string | (() => string | Promise<string>);

/** Gets tokens, one at a time: whoever asks while one is being got waits for the same. */
export class Tokens {
  readonly #source: TokenSource;
  #current: string | null = null;
  #getting: Promise<string> | null = null;

  constructor(source: TokenSource) {
    this.#source = source;
  }

  /** Whether another one can be had. */
  get renewable(): boolean {
    return typeof this.#source === 'function';
  }

  get(): Promise<string> {
    return this.#current === null ? this.renew() : Promise.resolve(this.#current);
  }

  renew(): Promise<string> {
    const source = this.#source;
    if (typeof source === 'string') return Promise.resolve((this.#current = source));
    this.#getting ??= (async () => {
      try {
        const token = await source();
        if (typeof token !== 'string') throw new TidingsError('unauthorized', 'the function for tokens gave none');
        return (this.#current = token);
      } finally {
        this.#getting = null;
      }
    })();
    return this.#getting;
  }
}
