import { guarded } from './emitter.ts';
import type { Data, Position } from './frames.ts';

/** What is known of an event beside its data. */
export interface Meta {
  readonly event: string;
  /** The namespace of the channel, or of what was sent to the user; `null` where the server does not tell. */
  readonly namespace: string | null;
  /** The channel, `null` for what was sent to the user. */
  readonly channel: string | null;
  /** Who published it; absent for the host. */
  readonly from?: string;
  /** When the server took it, milliseconds since 1970. */
  readonly at: number;
  /** Its place; absent for what has none. */
  readonly position?: Position;
}

/** Hears an event. As long as the promise that it returns is open, the event is not acknowledged. */
export type Handler<D = Data> = (data: D, meta: Meta) => void | Promise<void>;

const ANY = '*';

/** Handlers by namespace and event. */
export class Handlers {
  readonly #byName = new Map<string, Set<Handler<never>>>();

  add(namespace: string, event: string, handler: Handler<never>): () => void {
    const name = `${namespace}\n${event}`;
    let set = this.#byName.get(name);
    if (set === undefined) this.#byName.set(name, (set = new Set()));
    set.add(handler);
    return () => this.remove(namespace, event, handler);
  }

  /** Without a handler all of the event's, without an event all of the namespace's. */
  remove(namespace: string, event?: string, handler?: Handler<never>): void {
    if (event === undefined) {
      for (const name of this.#byName.keys()) if (name.startsWith(`${namespace}\n`)) this.#byName.delete(name);
      return;
    }
    const name = `${namespace}\n${event}`;
    const set = this.#byName.get(name);
    if (handler === undefined) set?.clear();
    else set?.delete(handler);
    if (set?.size === 0) this.#byName.delete(name);
  }

  /** Calls who listens; returns what has to be waited for. */
  call(data: Data, meta: Meta): Promise<unknown> | null {
    let waits: Promise<unknown>[] | null = null;
    for (const handler of this.#find(meta)) {
      const result = guarded(() => handler(data as never, meta));
      // A handler that fails has had its event all the same.
      if (result instanceof Promise) (waits ??= []).push(result.catch((error: unknown) => void guarded(() => { throw error; })));
    }
    return waits === null ? null : Promise.all(waits);
  }

  #find({ namespace, event }: Meta): Handler<never>[] {
    const found: Handler<never>[] = [];
    if (namespace === null) {
      // What was sent to the user by a server that does not tell the namespace is for whoever listens to the event.
      for (const [name, set] of this.#byName) {
        const heard = name.slice(name.indexOf('\n') + 1);
        if (heard === event || heard === ANY) found.push(...set);
      }
      return found;
    }
    for (const name of [`${namespace}\n${event}`, `${namespace}\n${ANY}`]) {
      const set = this.#byName.get(name);
      if (set !== undefined) found.push(...set);
    }
    return found;
  }
}
