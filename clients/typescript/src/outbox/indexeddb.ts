import type { Kept, OutboxStorage } from './storage.ts';
import { memory } from './storage.ts';

const STORE = 'outbox';

/**
 * Publications in IndexedDB, in a database of this name. One page at a time has it (Web Locks); another one that is open
 * at the same time keeps its own in memory, so that nothing is sent twice.
 */
export const indexedDb = (name: string): OutboxStorage => {
  let opened: Promise<OutboxStorage> | undefined;
  const storage = (): Promise<OutboxStorage> => (opened ??= own(name).then((mine) => (mine ? open(name) : memory), () => memory));
  return {
    load: async () => (await storage()).load(),
    put: async (kept) => (await storage()).put(kept),
    remove: async (seq) => (await storage()).remove(seq),
  };
};

/** Takes the database for this page, until the page is gone. */
const own = (name: string): Promise<boolean> => {
  const locks = globalThis.navigator?.locks;
  if (locks === undefined) return Promise.resolve(true);
  return new Promise((resolve, reject) => {
    const hold = (lock: unknown): Promise<void> | undefined => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise(() => {});
    };
    locks.request(`tidings-outbox-${name}`, { ifAvailable: true }, hold).catch(reject);
  });
};

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const open = async (name: string): Promise<OutboxStorage> => {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'seq' });
  const db = await done(request);
  const store = (mode: IDBTransactionMode): IDBObjectStore => db.transaction(STORE, mode).objectStore(STORE);
  return {
    load: () => done(store('readonly').getAll() as IDBRequest<Kept[]>),
    put: async (kept) => void (await done(store('readwrite').put(kept))),
    remove: async (seq) => void (await done(store('readwrite').delete(seq))),
  };
};
