import { useCallback, useRef, useSyncExternalStore } from 'react';

/**
 * A value that lives outside React: read anew at every change, and the same object as before while all of its fields are
 * the same, so that nothing is rendered for nothing.
 */
export function useWatched<T extends object>(subscribe: (changed: () => void) => () => void, read: () => T): T {
  const last = useRef<T | null>(null);
  const snapshot = useCallback((): T => {
    const now = read();
    if (last.current === null || !isSame(last.current, now)) last.current = now;
    return last.current;
  }, [read]);
  return useSyncExternalStore(subscribe, snapshot, snapshot);
}

const isSame = <T extends object>(a: T, b: T): boolean => {
  const names = Object.keys(a) as (keyof T)[];
  return names.length === Object.keys(b).length && names.every((name) => Object.is(a[name], b[name]));
};
