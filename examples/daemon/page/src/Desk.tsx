import type { Data, Emission } from '@tidings/client';
import {
  BEGINNING, ConnectionStatus, NOTIFICATION, NotificationCenter, type NotificationOptions, useChannel, useConnection, usePresence, useTidings, useTyping,
} from '@tidings/react';
import { type ReactNode, useCallback, useEffect, useState } from 'react';
import { Frames } from './Frames.tsx';
import { type Identity, initialOf, linkOf, USERS } from './identity.ts';
import { Chat as ChatIcon, Mark, Ring, Sliders, Waves, Window } from './icons.tsx';
import { Composer } from './Composer.tsx';
import { MESSAGE } from './message.ts';
import { Messages } from './Messages.tsx';
import { dotOf, OwnPresence, Presence } from './Presence.tsx';
import { Trouble } from './Trouble.tsx';
import { useReceipts } from './useReceipts.ts';
import { Workbench } from './Workbench.tsx';
import type { Wire } from './wire.ts';

/** The room that everybody is in. */
const ROOM = 'lobby';
const CHANNEL = `messaging:${ROOM}`;


/** Where notifications come from: the application's servers send in the first, these pages to each other in the second. */
const NOTIFICATIONS: NotificationOptions = { namespaces: ['notifications', 'messaging'] };

type View = 'chat' | 'bench' | 'frames';

const VIEWS: [View, string, () => ReactNode][] = [['chat', 'Chat', ChatIcon], ['bench', 'Try it', Sliders], ['frames', 'Frames', Waves]];

/** The whole page of somebody who is in. */
export function Desk({ identity, wire, leave }: { identity: Identity; wire: Wire; leave: () => void }): ReactNode {
  const { user, key } = identity;
  const [view, setView] = useState<View>('chat');
  const other = USERS.find((one) => one !== user) ?? USERS[0];
  return (
    <div className="desk" data-view={view}>
      <header>
        <h1><Mark /> <span>Tidings</span></h1>
        <ConnectionStatus />
        <NotificationCenter {...NOTIFICATIONS} />
        <OwnPresence />
      </header>
      <Room user={user} other={other} link={key === undefined ? null : linkOf(key, other)} leave={leave} />
      <aside aria-label="Try it">
        <Workbench wire={wire} other={other} link={key === undefined ? null : linkOf(key, other)} leave={leave} />
      </aside>
      <section className="frames" aria-label="Frames on the wire">
        <Frames wire={wire} isShown={view === 'frames'} />
      </section>
      <nav className="views" aria-label="Views">
        {VIEWS.map(([name, label, Icon]) => (
          <button key={name} type="button" aria-current={view === name ? 'page' : undefined} onClick={() => setView(name)}>
            <Icon /> {label}
          </button>
        ))}
      </nav>
    </div>
  );
}

function Room({ user, other, link, leave }: { user: string; other: string; link: string | null; leave: () => void }): ReactNode {
  const receipts = useReceipts(ROOM);
  const { got } = receipts;
  const onEntry = useCallback((_data: Data, { event, from, position }: { event: string; from?: string; position?: Parameters<typeof got>[0] }): void => {
    if (event === MESSAGE && from !== user && position !== undefined) got(position);
  }, [got, user]);
  const room = useChannel<Data>(CHANNEL, { since: BEGINNING, keep: 20_000, wants: isMessage, onEntry });
  const typing = useTyping(CHANNEL);
  const presence = usePresence(other);
  const { emit } = room;
  const { stop } = typing;
  const send = useCallback((text: string): void => {
    stop();
    emit(MESSAGE, { id: crypto.randomUUID(), text }, { wait: 'stored' });
  }, [emit, stop]);
  return (
    <main className="room">
      <div className="room-head">
        <span className="avatar" data-user={initialOf(other)} aria-hidden="true">{other.slice(0, 1).toUpperCase()}<i className="dot" data-dot={dotOf(presence)} /></span>
        <div>
          <h2>{other}</h2>
          <Presence state={presence} />
        </div>
        <Notify user={user} other={other} />
        {link !== null && <a className="button" href={link} target="_blank" rel="noopener"><Window /> <span>Open {other}’s window</span></a>}
      </div>
      <Trouble room={room} leave={leave} />
      <Messages user={user} other={other} link={link} room={room} receipts={receipts} typing={typing.users} />
      <Composer send={send} type={typing.type} />
    </main>
  );
}

const isMessage = (event: string): boolean => event === MESSAGE;

/** Sends the other a notification, which waits in the inbox for who is away. */
function Notify({ user, other }: { user: string; other: string }): ReactNode {
  const [told, setTold] = useState('');
  const { status } = useConnection();
  const emit = useNotify(other);
  useEffect(() => {
    if (told === '') return undefined;
    const timer = setTimeout(() => setTold(''), 4_000);
    return () => clearTimeout(timer);
  }, [told]);
  const ring = (): void => {
    setTold(status === 'online' ? 'sending…' : 'waits for the connection');
    emit({ title: user, text: 'would like to talk to you' }).then(
      ({ sessions = 0 }) => setTold(sessions > 0 ? 'sent' : `kept until ${other} is back`),
      (error: unknown) => setTold((error as Error).message),
    );
  };
  return (
    <div className="notify">
      <button type="button" className="button" onClick={ring}><Ring /> <span>Notify {other}</span></button>
      <span className="notify-told" role="status">{told}</span>
    </div>
  );
}

const useNotify = (other: string): ((data: Data) => Emission) => {
  const client = useTidings();
  return useCallback((data) => client.emit('messaging', NOTIFICATION, data, { to: other, wait: 'stored' }), [client, other]);
};
