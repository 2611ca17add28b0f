/** Listeners of one kind of thing. One that throws keeps no other from hearing. */
export class Emitter<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Adds a listener; calling what is returned takes it away. */
  on(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  emit(value: T): void {
    for (const listener of [...this.#listeners]) guarded(() => listener(value));
  }
}

/** Calls the application's code. What it throws is reported as an uncaught error, where developers look for it. */
export const guarded = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
    return undefined;
  }
};
