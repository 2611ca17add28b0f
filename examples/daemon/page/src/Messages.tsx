import type { Data, Emission } from '@tidings/client';
import type { Channel, ChannelEntry } from '@tidings/react';
import { type ReactNode, memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Clock, Down, Tick, Ticks, Warning } from './icons.tsx';
import { initialOf } from './identity.ts';
import { messageOf } from './message.ts';
import { type Fate, fateOf } from './receipts.ts';
import type { Receipts } from './useReceipts.ts';

/** Messages that are shown at first, and more at each wish. */
const SHOWN = 200;

/** So near to the end one follows what comes, in pixels. */
const NEAR_PX = 80;

interface Props {
  user: string;
  other: string;
  link: string | null;
  room: Channel<Data>;
  receipts: Receipts;
  typing: readonly string[];
}

/** What was said, and what is on its way. */
export function Messages({ user, other, link, room, receipts, typing }: Props): ReactNode {
  const { entries, sending, gaps, dismiss, emit } = room;
  const [most, setMost] = useState(SHOWN);
  const { list, isAway, toEnd } = useEnd([entries, sending, typing]);
  // What the server has placed already is shown as that, though its answer may still be under way.
  const placed = useMemo(() => new Set(entries.slice(-SHOWN).map(({ data }) => messageOf(data).id)), [entries]);
  const waiting = sending.filter(({ body }) => !placed.has(messageOf(body['data'] ?? null).id));
  const shown = entries.slice(-most);
  const again = (emission: Emission): void => {
    dismiss(emission);
    emit(String(emission.body['event']), emission.body['data'], { wait: 'stored' });
  };
  const others = [...receipts.others.values()];
  return (
    <div className="messages-frame">
      <div className="messages" ref={list} role="log" aria-label="Messages" tabIndex={0}>
        {entries.length > most && <button type="button" className="more" onClick={() => setMost(most + 5 * SHOWN)}>Show earlier messages</button>}
        {gaps.map(({ from, to, reason }) => <p className="gap" key={`${from}-${to}`}>{to - from + 1} messages are gone ({reason})</p>)}
        {entries.length + waiting.length === 0 && <Empty other={other} link={link} />}
        <ol>
          {shown.map((entry, at) => {
            const isOwn = entry.from === user;
            const fate = isOwn && entry.position !== undefined ? fateOf(entry.position, others) : null;
            return <Bubble key={entry.id} entry={entry} isOwn={isOwn} fate={fate} isFirst={shown[at - 1]?.from !== entry.from || isLater(shown[at - 1]!, entry)} />;
          })}
          {waiting.map((emission) => <Waiting key={String(emission.body['idempotency_key'])} emission={emission} again={again} dismiss={dismiss} />)}
        </ol>
        <p className="typing" aria-live="polite">{typing.length > 0 && <><Dots /> {typing.join(' and ')} {typing.length === 1 ? 'is' : 'are'} typing</>}</p>
      </div>
      {isAway && <button type="button" className="to-end" onClick={toEnd} aria-label="To the newest message"><Down /></button>}
    </div>
  );
}

/** A pause after which the time is worth telling again. */
const PAUSE_MS = 5 * 60_000;
const isLater = (before: ChannelEntry, entry: ChannelEntry): boolean => entry.at - before.at > PAUSE_MS;

interface BubbleProps {
  entry: ChannelEntry<Data>;
  isOwn: boolean;
  fate: Fate | null;
  isFirst: boolean;
}

const Bubble = memo(function Bubble({ entry, isOwn, fate, isFirst }: BubbleProps): ReactNode {
  const { from = 'the application', at, data } = entry;
  return (
    <li className="bubble" data-own={isOwn} data-user={initialOf(from)} data-first={isFirst} data-offset={entry.position?.offset} data-fate={fate ?? undefined}>
      {isFirst && <p className="by">{isOwn ? 'You' : from} <time dateTime={new Date(at).toISOString()}>{clock(at)}</time></p>}
      <p className="text">{messageOf(data).text}</p>
      {fate !== null && <State name={fate} />}
    </li>
  );
});

function Waiting({ emission, again, dismiss }: { emission: Emission; again: (one: Emission) => void; dismiss: (one: Emission) => void }): ReactNode {
  const { state, body } = emission;
  return (
    <li className="bubble" data-own="true" data-user="waiting" data-state={state}>
      <p className="text">{messageOf(body['data'] ?? null).text}</p>
      <State name={state} />
      {state === 'failed' && (
        <span className="failed">
          <button type="button" onClick={() => again(emission)}>Try again</button>
          <button type="button" onClick={() => dismiss(emission)}>Give up</button>
        </span>
      )}
    </li>
  );
}

const STATES: Record<string, [() => ReactNode, string]> = {
  queued: [Clock, 'waits for the connection'],
  sent: [Clock, 'on its way'],
  failed: [Warning, 'not sent'],
  stored: [Tick, 'stored'],
  delivered: [Ticks, 'delivered'],
  read: [Ticks, 'read'],
};

function State({ name }: { name: string }): ReactNode {
  const [Icon, words] = STATES[name] ?? STATES['sent']!;
  return <span className="state" data-state={name}><Icon /> {words}</span>;
}

const Dots = (): ReactNode => <span className="dots" aria-hidden="true"><i /><i /><i /></span>;

function Empty({ other, link }: { other: string; link: string | null }): ReactNode {
  return (
    <div className="empty">
      <p><strong>Nobody has said anything yet.</strong></p>
      <p>{link === null ? `Sign in as somebody else in a second window` : <><a href={link} target="_blank" rel="noopener">Open {other}’s window</a> beside this one</>} and write: what you send is on disk before anybody gets it.</p>
    </div>
  );
}

const clock = (at: number): string => {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  return new Date(at).toLocaleString(undefined, isToday ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' });
};

/** Follows the end of a list, unless somebody has scrolled away from it. */
const useEnd = (changes: readonly unknown[]): { list: { current: HTMLDivElement | null }; isAway: boolean; toEnd: () => void } => {
  const list = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const [isAway, setIsAway] = useState(false);
  const toEnd = (): void => {
    follows.current = true;
    list.current?.scrollTo({ top: list.current.scrollHeight });
  };
  useLayoutEffect(() => {
    if (follows.current) list.current?.scrollTo({ top: list.current.scrollHeight });
    // The list of what is looked at has always the same length.
  }, [...changes]);
  useEffect(() => {
    const { current } = list;
    const scrolled = (): void => {
      if (current === null) return;
      follows.current = current.scrollHeight - current.scrollTop - current.clientHeight < NEAR_PX;
      setIsAway(!follows.current);
    };
    // A keyboard on the screen, a window that is turned: the end stays in sight.
    const resized = new ResizeObserver(() => follows.current && current?.scrollTo({ top: current.scrollHeight }));
    if (current !== null) resized.observe(current);
    current?.addEventListener('scroll', scrolled, { passive: true });
    return () => {
      current?.removeEventListener('scroll', scrolled);
      resized.disconnect();
    };
  }, []);
  return { list, isAway, toEnd };
};
