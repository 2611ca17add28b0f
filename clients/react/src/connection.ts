import type { Quality, Status } from '@tidings/client';
import { useCallback } from 'react';
import { useTidings } from './context.tsx';
import { useWatched } from './watched.ts';

/** How often the time there and back is looked at. It is measured every 10 s, which nobody is told of. */
const LOOK_MS = 1_000;

/** How the connection is. */
export interface ConnectionState {
  readonly status: Status;
  /** Why, for a person. */
  readonly reason: string;
  /** The code that ended the last connection, where one did. */
  readonly code: number | undefined;
  /** In `offline`: when the next attempt was due, counted from the moment that the status came. */
  readonly retryInMs: number | undefined;
  readonly quality: Quality;
  /** The mean time there and back of the last pings, in whole milliseconds but below 10; `null` before the first. */
  readonly latencyMs: number | null;
  readonly transport: 'websocket' | 'sse';
  /** Publications that the server has not answered yet. */
  readonly waiting: number;
  /** Tries at once to reach the server. */
  readonly wake: () => void;
}

/** How the connection is, and each change of it. */
export function useConnection(): ConnectionState {
  const client = useTidings();
  const subscribe = useCallback((changed: () => void) => {
    const offs = [client.onStatus(changed), client.onQuality(changed), client.onOutbox(changed)];
    const looking = setInterval(changed, LOOK_MS);
    return () => {
      clearInterval(looking);
      for (const off of offs) off();
    };
  }, [client]);
  const wake = useCallback(() => client.wake(), [client]);
  const read = useCallback((): ConnectionState => {
    const { status, reason, code, retryInMs } = client.status;
    const { quality, transport } = client;
    return { status, reason, code, retryInMs, quality, latencyMs: rounded(client.getAverageLatency()), transport, waiting: client.outbox.length, wake };
  }, [client, wake]);
  return useWatched(subscribe, read);
}

const rounded = (ms: number | null): number | null => (ms === null || ms >= 10 ? ms && Math.round(ms) : Math.round(ms * 10) / 10);
