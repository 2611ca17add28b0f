import type { Tidings } from './client.ts';
import { Emitter, guarded } from './emitter.ts';
import { TidingsError } from './errors.ts';
import type { Data, ServerFrame } from './frames.ts';

/** How present a user is, and why (docs/protocol.md, presence). */
export interface PresenceState {
  readonly user: string;
  readonly status: 'online' | 'busy' | 'idle' | 'away' | 'invisible' | 'offline' | 'unknown';
  /** Since when, milliseconds since 1970. */
  readonly since?: number;
  readonly reason: string;
  /** Of who is offline: until when the last device was there, milliseconds since 1970. */
  readonly lastSeen?: number;
  /** The user's own words. */
  readonly text?: string;
}

/** One user in a channel, on however many devices. */
export interface Member {
  readonly user: string;
  readonly info?: Data;
  /** When the user came, milliseconds since 1970. */
  readonly at: number;
}

/** Who is in a channel. */
export interface ChannelMembers {
  readonly count: number;
  /** Whether `members` are all of them. */
  readonly complete: boolean;
  readonly members: ReadonlyMap<string, Member>;
}

/** What a client may say of itself. */
export interface OwnPresence {
  status?: 'online' | 'away' | 'busy' | 'invisible';
  text?: string;
}

/** Most users that one command may name. */
const USERS_MAX = 1_000;

/** How often it is said at most that the device is used. */
const ACTIVE_MS = 30_000;

interface StatusFrame {
  user: string;
  status: PresenceState['status'];
  since?: number;
  reason: string;
  last_seen?: number;
  text?: string;
}

interface MembersFrame {
  channel: string;
  count: number;
  complete?: boolean;
  members: Member[];
}

/** Presence of users and channels, over a client's connection. */
export class Presence {
  readonly #client: Tidings;
  readonly #watched = new Map<string, Set<(state: PresenceState) => void>>();
  readonly #states = new Map<string, PresenceState>();
  readonly #changes = new Emitter<PresenceState>();
  readonly #channels = new Map<string, { members: Map<string, Member>; count: number; complete: boolean; changed: Emitter<ChannelMembers> }>();
  #own: OwnPresence | null = null;
  #isActive = true;
  #saidActiveAt = 0;

  constructor(client: Tidings) {
    this.#client = client;
    client.extend({
      hello: (connect) => {
        if (this.#own !== null) connect['presence'] = this.#own;
      },
      subscribe: (channel, subscribe) => {
        if (this.#channels.has(channel)) subscribe['presence'] = true;
      },
      connected: (resumed) => this.#connected(resumed),
      received: (frame) => this.#received(frame),
    });
    this.#followThePage();
  }

  /** Says how present this device is, and in what words; it stays said over every reconnection. What is absent stays as it was. */
  async set(own: OwnPresence): Promise<void> {
    this.#own = { ...this.#own, ...own };
    if (this.#client.status.status === 'online') await this.#client.command({ presence: own });
  }

  /** Tells whether the device is used. In a page it is told by itself: input, and whether the page is visible. */
  active(isActive: boolean): void {
    const now = Date.now();
    if (isActive === this.#isActive && (!isActive || now - this.#saidActiveAt < ACTIVE_MS)) return;
    this.#isActive = isActive;
    this.#saidActiveAt = now;
    this.#client.tell({ activity: { active: isActive } });
  }

  /** What is known of a user who is watched. */
  of(user: string): PresenceState | null {
    return this.#states.get(user) ?? null;
  }

  /** Hears each change of whoever is watched. */
  on(listener: (state: PresenceState) => void): () => void {
    return this.#changes.on(listener);
  }

  /** Watches users: their state now, then each change. Calling what is returned ends it. */
  watch(users: readonly string[], listener: (state: PresenceState) => void): () => void {
    const fresh = users.filter((user) => !this.#watched.has(user));
    for (const user of users) {
      const listeners = this.#watched.get(user) ?? new Set();
      this.#watched.set(user, listeners.add(listener));
      const state = this.#states.get(user);
      if (state !== undefined) queueMicrotask(() => listeners.has(listener) && listener(state));
    }
    this.#watch(fresh);
    return () => {
      const left = users.filter((user) => {
        const listeners = this.#watched.get(user);
        return listeners?.delete(listener) === true && listeners.size === 0 && this.#watched.delete(user);
      });
      for (const user of left) this.#states.delete(user);
      if (left.length > 0) this.#each('unwatch', left);
    };
  }

  /** Hears who is in a channel that this client is subscribed to, or subscribes to later: all of them, or how many. */
  members(channel: string, listener: (members: ChannelMembers) => void): () => void {
    let known = this.#channels.get(channel);
    if (known === undefined) {
      known = { members: new Map(), count: 0, complete: false, changed: new Emitter() };
      this.#channels.set(channel, known);
      this.#client.tell({ members: { channel } });
    } else if (known.count > 0) listener(known);
    return known.changed.on(listener);
  }

  /** Says anew what others are told of this user in a channel. */
  async info(channel: string, info: Data): Promise<void> {
    await this.#client.command({ info: { channel, info } });
  }

  #connected(resumed: boolean): void {
    if (!this.#isActive) this.#client.tell({ activity: { active: false } });
    if (!resumed) this.#watch([...this.#watched.keys()]);
  }

  #watch(users: readonly string[]): void {
    this.#each('watch', users, (answer) => {
      const { refused = [] } = (answer['watching'] ?? {}) as { refused?: string[] };
      for (const user of refused) this.#changed({ user, status: 'unknown', reason: 'forbidden' });
    });
  }

  #each(command: 'watch' | 'unwatch', users: readonly string[], answered: (answer: ServerFrame) => void = () => {}): void {
    if (this.#client.status.status !== 'online') return;
    for (let at = 0; at < users.length; at += USERS_MAX) {
      this.#client.command({ [command]: { users: users.slice(at, at + USERS_MAX) } }).then(answered, (error: unknown) => {
        if (error instanceof TidingsError && error.kind !== 'offline') this.#client.report(error);
      });
    }
  }

  #received(frame: ServerFrame): void {
    const status = frame['status'] as StatusFrame | undefined;
    if (status !== undefined) {
      const { last_seen, ...rest } = status;
      return this.#changed(last_seen === undefined ? rest : { ...rest, lastSeen: last_seen });
    }
    for (const name of ['members', 'joined', 'left', 'updated'] as const) {
      const told = frame[name] as MembersFrame | undefined;
      if (told !== undefined) return this.#membersChanged(name, told);
    }
  }

  #changed(state: PresenceState): void {
    const listeners = this.#watched.get(state.user);
    if (listeners === undefined) return;
    this.#states.set(state.user, state);
    for (const listener of [...listeners]) guarded(() => listener(state));
    this.#changes.emit(state);
  }

  #membersChanged(name: 'members' | 'joined' | 'left' | 'updated', told: MembersFrame): void {
    const known = this.#channels.get(told.channel);
    if (known === undefined) return;
    known.count = told.count;
    if (name === 'members') {
      known.members.clear();
      known.complete = told.complete ?? false;
    }
    for (const { user, info, at } of told.members) {
      if (name === 'left') known.members.delete(user);
      else known.members.set(user, info === undefined ? { user, at } : { user, info, at });
    }
    known.changed.emit(known);
  }

  #followThePage(): void {
    const { document } = globalThis as { document?: Document };
    if (document === undefined) return;
    const used = (): void => this.active(true);
    for (const event of ['pointerdown', 'keydown', 'wheel', 'touchstart']) document.addEventListener(event, used, { passive: true });
    document.addEventListener('visibilitychange', () => this.active(document.visibilityState === 'visible'));
  }
}
