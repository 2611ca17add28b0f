import type { Data, Meta, Position } from '@tidings/client';
import { useChannel, useConnection, useTidings } from '@tidings/react';
import { useCallback, useEffect, useRef, useState } from 'react';
import { advance, type Progress, progressOf, RECEIPT, RECEIPT_WANTED } from './receipts.ts';

/** Receipts are gathered this long: one tells of all that came meanwhile. */
const TELL_MS = 150;

/** How far the others are, and how to say how far this window is. */
export interface Receipts {
  readonly others: ReadonlyMap<string, Progress>;
  /** This window has got a message. */
  readonly got: (position: Position) => void;
}

/**
 * Receipts as an application makes them itself: each window tells how far it is, at each change and whenever somebody asks.
 * They are cumulative, so that one that is lost is made good by the next.
 */
export function useReceipts(name: string): Receipts {
  const client = useTidings();
  const { status } = useConnection();
  const isVisible = useVisible();
  const [others, setOthers] = useState<ReadonlyMap<string, Progress>>(new Map());
  const own = useRef<Progress | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const channel = `realtime:${name}`;

  const tell = useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = null;
      const { current } = own;
      if (current !== null) client.emit(channel, RECEIPT, { ...current }, { ephemeral: true });
    }, TELL_MS);
  }, [client, channel]);
  const onEntry = useCallback((data: Data, { event, from }: Meta): void => {
    if (from === undefined || from === client.user) return;
    if (event === RECEIPT_WANTED) return tell();
    const progress = event === RECEIPT ? progressOf(data) : null;
    if (progress !== null) setOthers((before) => new Map(before).set(from, progress));
  }, [client, tell]);
  const { status: joined } = useChannel<Data>(channel, { keep: 0, wants: () => false, onEntry });

  const got = useCallback((position: Position): void => {
    own.current = advance(own.current, position, document.visibilityState === 'visible');
    tell();
  }, [tell]);
  useEffect(() => {
    if (!isVisible || own.current === null) return;
    own.current = { ...own.current, read: own.current.delivered };
    tell();
  }, [isVisible, tell]);
  useEffect(() => {
    if (status !== 'online' || joined !== 'joined') return;
    client.emit(channel, RECEIPT_WANTED, null, { ephemeral: true });
    tell();
  }, [client, channel, status, joined, tell]);
  useEffect(() => () => {
    if (timer.current !== null) clearTimeout(timer.current);
    timer.current = null;
  }, []);
  return { others, got };
}

/** Whether somebody may be looking at this window. */
export function useVisible(): boolean {
  const [isVisible, setIsVisible] = useState(document.visibilityState === 'visible');
  useEffect(() => {
    const changed = (): void => setIsVisible(document.visibilityState === 'visible');
    document.addEventListener('visibilitychange', changed);
    return () => document.removeEventListener('visibilitychange', changed);
  }, []);
  return isVisible;
}
