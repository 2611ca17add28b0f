import type { Data, Emission, EmitOptions, Gap, Meta, Position, TidingsError } from '@tidings/client';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useTidings } from './context.tsx';
import { useJoined } from './joined.ts';

/** A position that no server gives: subscribed since then, all that the server still keeps of the channel comes first. */
export const BEGINNING: Position = { epoch: '0000000000000000', offset: 0 };

/** An event of a channel. */
export interface ChannelEntry<D = Data> extends Meta {
  /** Its own among the entries of this channel. */
  readonly id: string;
  readonly data: D;
}

export interface ChannelOptions<D = Data> {
  /** What followed this position comes first; `BEGINNING` for all that is kept. Without it, what comes from now on. */
  since?: Position;
  /** Most entries that are held, the newest: 1,000. */
  keep?: number;
  /** Entries that are held: without it all of them. Those that are not wanted are still heard by `onEntry`. */
  wants?: (event: string) => boolean;
  /** Hears each entry once, held or not. As long as the promise that it returns is open, the entry is not acknowledged. */
  onEntry?: (data: D, meta: Meta) => void | Promise<void>;
}

export interface Channel<D = Data> {
  readonly status: 'joining' | 'joined' | 'refused';
  /** Why it was refused. */
  readonly error: TidingsError | null;
  /** In their order, the newest last. */
  readonly entries: readonly ChannelEntry<D>[];
  /** What this hook has emitted and the server has not answered or has refused, in its order. */
  readonly sending: readonly Emission[];
  /** What will not come. */
  readonly gaps: readonly Gap[];
  /** Publishes to the channel. */
  readonly emit: (event: string, data?: Data, options?: Omit<EmitOptions, 'to'>) => Emission;
  /** Takes a publication that failed off `sending`. */
  readonly dismiss: (emission: Emission) => void;
}

/** A channel, for as long as the component lives: what comes, and what is on its way. */
export function useChannel<D = Data>(channel: string, options: ChannelOptions<D> = {}): Channel<D> {
  const client = useTidings();
  const { keep = 1_000, since = null } = options;
  const [entries, setEntries] = useState<readonly ChannelEntry<D>[]>([]);
  const [sending, setSending] = useState<readonly Emission[]>([]);
  const [gaps, setGaps] = useState<readonly Gap[]>([]);
  const latest = useRef(options);
  latest.current = options;
  const narrowed = useRef(0);

  const pending = useRef<ChannelEntry<D>[]>([]);
  const flush = useCallback((): void => {
    const fresh = pending.current.splice(0);
    if (fresh.length > 0) setEntries((before) => newest([...before, ...fresh], keep));
  }, [keep]);
  const heard = useCallback((data: D, meta: Meta): void | Promise<void> => {
    const { wants, onEntry } = latest.current;
    if (wants === undefined || wants(meta.event)) {
      const { position } = meta;
      const id = position === undefined ? `+${narrowed.current++}` : `${position.epoch}-${position.offset}`;
      pending.current.push({ ...meta, id, data });
      // What comes in one message is shown at once, and costs one rendering.
      if (pending.current.length === 1) queueMicrotask(flush);
    }
    return onEntry?.(data, meta);
  }, [flush]);
  const { status, error } = useJoined<D>(channel, heard, since);

  useEffect(() => {
    const off = client.onGap((gap) => {
      if (gap.channel === channel && gap.to >= gap.from) setGaps((before) => newest([...before, gap], keep));
    });
    return () => {
      off();
      pending.current = [];
      setEntries([]);
      setSending([]);
      setGaps([]);
    };
  }, [client, channel, keep]);

  const dismiss = useCallback((emission: Emission): void => {
    setSending((before) => before.filter((one) => one !== emission));
  }, []);
  const emit = useCallback((event: string, data: Data = null, given: Omit<EmitOptions, 'to'> = {}): Emission => {
    const emission = client.emit(channel, event, data, given);
    if (given.ephemeral === true) return emission;
    setSending((before) => [...before, emission]);
    // A new list at each state, so that whoever shows it shows the state.
    emission.onState((state) => {
      if (state === 'accepted' || state === 'stored') dismiss(emission);
      else setSending((before) => [...before]);
    });
    return emission;
  }, [client, channel, dismiss]);
  return { status, error, entries, sending, gaps, emit, dismiss };
}

const newest = <T,>(all: T[], keep: number): T[] => (all.length > keep ? all.slice(all.length - keep) : all);
