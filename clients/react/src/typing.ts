import type { Meta } from '@tidings/client';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useTidings } from './context.tsx';
import { useJoined } from './joined.ts';

/** What is published, in class ephemeral. */
export const TYPING_START = 'TYPING_START';
export const TYPING_STOP = 'TYPING_STOP';

export interface TypingOptions {
  /** Where it is told: by default the channel of the same name in `realtime`, whose class is ephemeral. */
  channel?: string;
  /** How often it is said again that somebody types, 2 s. */
  everyMs?: number;
  /** Silence after which one's own typing has ended, 4 s. */
  idleMs?: number;
  /** Silence after which another user's has, 6 s: for those whose end was not told. */
  forgetMs?: number;
}

export interface Typing {
  /** The others who type now, in the order in which they began. */
  readonly users: readonly string[];
  /** To be called at each keystroke. */
  readonly type: () => void;
  /** To be called when the text was sent or thrown away. */
  readonly stop: () => void;
}

type Timer = ReturnType<typeof setTimeout>;

/** Who types in a channel, and how to say that this user does. */
export function useTyping(channel: string, options: TypingOptions = {}): Typing {
  const client = useTidings();
  const { everyMs = 2_000, idleMs = 4_000, forgetMs = 6_000 } = options;
  const told = options.channel ?? `realtime:${channel.slice(channel.indexOf(':') + 1)}`;
  const [users, setUsers] = useState<readonly string[]>([]);
  const timers = useRef(new Map<string, Timer>());

  const forget = useCallback((user: string): void => {
    clearTimeout(timers.current.get(user));
    timers.current.delete(user);
    setUsers((before) => (before.includes(user) ? before.filter((one) => one !== user) : before));
  }, []);
  const heard = useCallback((_data: unknown, { event, from }: Meta): void => {
    if (from === undefined || from === client.user) return;
    if (event === TYPING_STOP) return forget(from);
    if (event !== TYPING_START) return;
    clearTimeout(timers.current.get(from));
    timers.current.set(from, setTimeout(() => forget(from), forgetMs));
    setUsers((before) => (before.includes(from) ? before : [...before, from]));
  }, [client, forget, forgetMs]);
  useJoined(told, heard);

  const own = useRef<{ saidAt: number; idle: Timer } | null>(null);
  const stop = useCallback((): void => {
    if (own.current === null) return;
    clearTimeout(own.current.idle);
    own.current = null;
    client.emit(told, TYPING_STOP, null, { ephemeral: true });
  }, [client, told]);
  const type = useCallback((): void => {
    const now = Date.now();
    let saidAt = own.current?.saidAt ?? -Infinity;
    clearTimeout(own.current?.idle);
    if (now - saidAt >= everyMs) {
      client.emit(told, TYPING_START, null, { ephemeral: true });
      saidAt = now;
    }
    own.current = { saidAt, idle: setTimeout(stop, idleMs) };
  }, [client, told, everyMs, idleMs, stop]);

  useEffect(() => {
    const all = timers.current;
    return () => {
      stop();
      for (const timer of all.values()) clearTimeout(timer);
      all.clear();
      setUsers([]);
    };
  }, [stop]);
  return { users, type, stop };
}
