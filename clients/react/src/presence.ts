import type { OwnPresence, PresenceState } from '@tidings/client';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useTidings } from './context.tsx';

/** How present a user is; `null` until it is known. */
export function usePresence(user: string): PresenceState | null;
/** How present users are: those of whom it is known. */
export function usePresence(users: readonly string[]): ReadonlyMap<string, PresenceState>;
export function usePresence(users: string | readonly string[]): PresenceState | null | ReadonlyMap<string, PresenceState> {
  const client = useTidings();
  // A list that is written in place is another at each rendering.
  const key = JSON.stringify(typeof users === 'string' ? [users] : [...users].sort());
  const names = useMemo(() => JSON.parse(key) as string[], [key]);
  const [states, setStates] = useState<ReadonlyMap<string, PresenceState>>(new Map());
  useEffect(() => {
    setStates((before) => new Map([...before].filter(([user]) => names.includes(user))));
    return client.presence.watch(names, (state) => setStates((before) => new Map(before).set(state.user, state)));
  }, [client, names]);
  return typeof users === 'string' ? (states.get(users) ?? null) : states;
}

/** How present this user is to itself, and how to say so. */
export function useOwnPresence(): readonly [PresenceState | null, (own: OwnPresence) => Promise<void>] {
  const client = useTidings();
  const state = usePresence(client.user);
  const set = useCallback((own: OwnPresence) => client.presence.set(own), [client]);
  return [state, set];
}
