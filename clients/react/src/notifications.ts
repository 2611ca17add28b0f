import type { Data, Meta, Position } from '@tidings/client';
import { useMemo, useSyncExternalStore } from 'react';
import { type Client, useTidings } from './context.tsx';

/** The event that a notification is, in a user's inbox. */
export const NOTIFICATION = 'notification:new';

/** Something that the user was sent and may not have seen yet. */
export interface Notification<D = Data> {
  readonly id: string;
  readonly data: D;
  /** Who sent it; absent for the application itself. */
  readonly from?: string;
  /** When the server took it, milliseconds since 1970. */
  readonly at: number;
  /** Its place in the inbox. */
  readonly position?: Position;
  readonly isRead: boolean;
}

/** Where notifications are kept beyond the page: the server gives each device each of them once. */
export interface NotificationStorage {
  load(): readonly Notification[];
  save(notifications: readonly Notification[]): void;
}

export interface NotificationOptions {
  /** Namespaces in which they are sent: `notifications` alone by default, where the application's servers send. */
  namespaces?: readonly string[];
  /** Most that are kept, the newest: 100. */
  keep?: number;
  /** Where: by default in `localStorage`, by the user's name. `null` for nowhere. */
  storage?: NotificationStorage | null;
}

export interface Notifications<D = Data> {
  /** The newest first. */
  readonly notifications: readonly Notification<D>[];
  readonly unread: number;
  readonly markRead: (id: string) => void;
  readonly markAllRead: () => void;
  /** Takes one off the list, on this device. */
  readonly remove: (id: string) => void;
}

/** The notifications of one client: one list, whoever shows it. */
class Inbox {
  readonly #client: Client;
  readonly #keep: number;
  readonly #storage: NotificationStorage | null;
  readonly #namespaces: readonly string[];
  readonly #listeners = new Set<() => void>();
  #offs: (() => void)[] = [];
  #unnamed = 0;
  snapshot: { readonly notifications: readonly Notification[]; readonly unread: number };

  constructor(client: Client, { namespaces = ['notifications'], keep = 100, storage }: NotificationOptions) {
    this.#client = client;
    this.#keep = keep;
    this.#namespaces = namespaces;
    this.#storage = storage === undefined ? localStorageOf(client.user) : storage;
    this.snapshot = counted(this.#storage?.load() ?? []);
  }

  /** Listens as long as anybody looks. */
  readonly subscribe = (changed: () => void): (() => void) => {
    if (this.#listeners.size === 0) this.#listen();
    this.#listeners.add(changed);
    return () => {
      this.#listeners.delete(changed);
      if (this.#listeners.size === 0) for (const off of this.#offs.splice(0)) off();
    };
  };

  readonly markRead = (id: string): void => {
    this.#set(this.snapshot.notifications.map((one) => (one.id === id ? { ...one, isRead: true } : one)));
    this.#tell();
  };

  readonly markAllRead = (): void => {
    this.#set(this.snapshot.notifications.map((one) => ({ ...one, isRead: true })));
    this.#tell();
  };

  readonly remove = (id: string): void => {
    this.markRead(id);
    this.#set(this.snapshot.notifications.filter((one) => one.id !== id));
  };

  #listen(): void {
    for (const namespace of this.#namespaces) {
      this.#offs.push(this.#client.on(namespace, NOTIFICATION, (data, meta) => this.#heard(data, meta)));
    }
    const online = (): void => {
      if (this.#client.status.status === 'online') queueMicrotask(() => this.#connected());
    };
    this.#offs.push(this.#client.onStatus(online));
    online();
  }

  #heard(data: Data, { channel, from, at, position }: Meta): void {
    // What is published to a channel is no one user's.
    if (channel !== null) return;
    const id = position === undefined ? `+${at}-${this.#unnamed++}` : `${position.epoch}-${position.offset}`;
    const { notifications } = this.snapshot;
    // Several namespaces may be heard where the server does not tell which one it was.
    if (notifications.some((one) => one.id === id)) return;
    const isRead = position !== undefined && this.#isReadElsewhere(position);
    const one: Notification = { id, data, at, isRead, ...(from === undefined ? {} : { from }), ...(position === undefined ? {} : { position }) };
    this.#set([one, ...notifications].slice(0, this.#keep));
  }

  /** Another device may have read meanwhile, and this one while it was not connected. */
  #connected(): void {
    const isNews = ({ isRead, position }: Notification): boolean => !isRead && position !== undefined && this.#isReadElsewhere(position);
    const { notifications } = this.snapshot;
    if (notifications.some(isNews)) this.#set(notifications.map((one) => (isNews(one) ? { ...one, isRead: true } : one)));
    this.#tell();
  }

  #isReadElsewhere({ epoch, offset }: Position): boolean {
    const inbox = this.#client.server?.inbox;
    return inbox !== undefined && inbox.epoch === epoch && offset <= (inbox.read ?? 0);
  }

  /** Tells the server up to where everything was read: the last one before the first that was not. */
  #tell(): void {
    const epoch = this.#client.server?.inbox.epoch;
    let last: Notification | undefined;
    for (const one of [...this.snapshot.notifications].reverse()) {
      if (one.position === undefined || one.position.epoch !== epoch) continue;
      if (!one.isRead) break;
      last = one;
    }
    if (last?.position === undefined || this.#isReadElsewhere(last.position)) return;
    const { at, position } = last;
    this.#client.read({ event: NOTIFICATION, namespace: null, channel: null, at, position });
  }

  #set(notifications: readonly Notification[]): void {
    this.snapshot = counted(notifications);
    this.#storage?.save(notifications);
    for (const listener of this.#listeners) listener();
  }
}

const counted = (notifications: readonly Notification[]): Inbox['snapshot'] => ({
  notifications,
  unread: notifications.reduce((sum, { isRead }) => sum + (isRead ? 0 : 1), 0),
});

/** `localStorage` under the user's name; a page that may keep nothing has them while it lives. */
const localStorageOf = (user: string): NotificationStorage | null => {
  const key = `tidings-notifications-${user}`;
  const { localStorage } = globalThis as { localStorage?: Storage };
  if (localStorage === undefined) return null;
  return {
    load: () => {
      try {
        const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
        return Array.isArray(kept) ? (kept as Notification[]) : [];
      } catch {
        return [];
      }
    },
    save: (notifications) => {
      try {
        localStorage.setItem(key, JSON.stringify(notifications, writable));
      } catch {
        // Full, or forbidden: then they are gone with the page.
      }
    },
  };
};

const writable = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);

const inboxes = new WeakMap<Client, Map<string, Inbox>>();

const inboxOf = (client: Client, options: NotificationOptions): Inbox => {
  const key = (options.namespaces ?? ['notifications']).join(' ');
  const all = inboxes.get(client) ?? new Map<string, Inbox>();
  inboxes.set(client, all);
  const inbox = all.get(key) ?? new Inbox(client, options);
  all.set(key, inbox);
  return inbox;
};

/**
 * The user's notifications: what `notification:new` brought into the inbox. All components that name the same namespaces
 * share one list, and the options of the first count. What is read is told to the server, which tells the other devices
 * when they connect.
 */
export function useNotifications<D = Data>(options: NotificationOptions = {}): Notifications<D> {
  const client = useTidings();
  const key = (options.namespaces ?? ['notifications']).join(' ');
  const inbox = useMemo(() => inboxOf(client, options), [client, key]);
  const read = (): Inbox['snapshot'] => inbox.snapshot;
  const { notifications, unread } = useSyncExternalStore(inbox.subscribe, read, read);
  const { markRead, markAllRead, remove } = inbox;
  return { notifications: notifications as readonly Notification<D>[], unread, markRead, markAllRead, remove };
}
