import type { Data } from '@tidings/client';
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { HIDDEN } from './hidden.ts';
import { type Notification, type NotificationOptions, useNotifications } from './notifications.ts';

/** The words, for applications that speak another language. */
export interface NotificationWords {
  title: string;
  /** The name of the button, which shows a number alone. */
  button: (unread: number) => string;
  markAllRead: string;
  markRead: string;
  empty: string;
  /** Said aloud when one comes. */
  arrived: (text: string) => string;
  unread: string;
}

export interface NotificationCenterProps extends NotificationOptions {
  words?: Partial<NotificationWords>;
  /** Shows one. By default its `title` and `text`, or itself where it is a text. */
  render?: (notification: Notification) => ReactNode;
  /** One was chosen; it is marked as read. */
  onSelect?: (notification: Notification) => void;
  /** On the outermost element, beside `tidings-notifications`. */
  className?: string;
}

const WORDS: NotificationWords = {
  title: 'Notifications',
  button: (unread) => (unread === 0 ? 'Notifications' : `Notifications, ${unread} unread`),
  markAllRead: 'Mark all as read',
  markRead: 'Mark as read',
  empty: 'Nothing yet.',
  arrived: (text) => `New notification: ${text}`,
  unread: 'Unread',
};

/** Above this the badge shows so many and a plus. */
const BADGE_MAX = 99;

/** A bell with the number of what is unread, and the list behind it. */
export function NotificationCenter({ words, render = shown, onSelect, className, ...options }: NotificationCenterProps): ReactNode {
  const { notifications, unread, markRead, markAllRead } = useNotifications(options);
  const say = { ...WORDS, ...words };
  const [isOpen, setIsOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [panelId, titleId] = [useId(), useId()];
  useOutside(root, isOpen, () => setIsOpen(false));
  const announced = useArrivals(notifications);

  const keyed = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && isOpen) {
      event.stopPropagation();
      setIsOpen(false);
      button.current?.focus();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') move(event, root.current);
  };
  const select = (notification: Notification): void => {
    markRead(notification.id);
    onSelect?.(notification);
  };
  return (
    <div ref={root} className={`tidings-notifications ${className ?? ''}`.trim()} onKeyDown={keyed}>
      <button
        ref={button}
        type="button"
        className="tidings-notifications-button"
        aria-label={say.button(unread)}
        aria-expanded={isOpen}
        aria-controls={isOpen ? panelId : undefined}
        onClick={() => setIsOpen(!isOpen)}
      >
        <Bell />
        {unread > 0 && <span className="tidings-notifications-badge" aria-hidden="true">{unread > BADGE_MAX ? `${BADGE_MAX}+` : unread}</span>}
      </button>
      <span role="status" style={HIDDEN}>{announced === null ? '' : say.arrived(announced)}</span>
      {isOpen && (
        <section id={panelId} className="tidings-notifications-panel" aria-labelledby={titleId}>
          <div className="tidings-notifications-head">
            <h2 id={titleId}>{say.title}</h2>
            <button type="button" className="tidings-notifications-all" disabled={unread === 0} onClick={markAllRead}>
              {say.markAllRead}
            </button>
          </div>
          {notifications.length === 0 ? <p className="tidings-notifications-empty">{say.empty}</p> : (
            <ul className="tidings-notifications-list">
              {notifications.map((one) => (
                <li key={one.id} data-read={one.isRead}>
                  <button type="button" className="tidings-notification" onClick={() => select(one)}>
                    {!one.isRead && <span style={HIDDEN}>{say.unread}: </span>}
                    {render(one)}
                    <time dateTime={new Date(one.at).toISOString()}>{clock(one.at)}</time>
                  </button>
                </li>
              ))}
            </ul>
          )}
        </section>
      )}
    </div>
  );
}

/** What it says, in a line. */
const textOf = (data: Data): string => {
  if (typeof data === 'string') return data;
  const { title, text } = (typeof data === 'object' && data !== null ? data : {}) as { title?: unknown; text?: unknown };
  const told = [title, text].filter((one) => typeof one === 'string' && one !== '');
  return told.length > 0 ? told.join(': ') : JSON.stringify(data, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
};

const shown = (notification: Notification): ReactNode => <span className="tidings-notification-text">{textOf(notification.data)}</span>;

const clock = (at: number): string => {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  return new Date(at).toLocaleString(undefined, isToday ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' });
};

/** What came since the component appeared: what was there before is not said aloud. */
const useArrivals = (notifications: readonly Notification[]): string | null => {
  const seen = useRef<Set<string> | null>(null);
  const [announced, setAnnounced] = useState<string | null>(null);
  useEffect(() => {
    const fresh = notifications.find(({ id, isRead }) => !isRead && seen.current?.has(id) === false);
    seen.current = new Set(notifications.map(({ id }) => id));
    if (fresh !== undefined) setAnnounced(textOf(fresh.data));
  }, [notifications]);
  return announced;
};

const useOutside = (root: { current: HTMLElement | null }, isActive: boolean, then: () => void): void => {
  const call = useRef(then);
  call.current = then;
  useEffect(() => {
    if (!isActive) return undefined;
    const pointed = (event: Event): void => {
      if (root.current?.contains(event.target as Node) === false) call.current();
    };
    document.addEventListener('pointerdown', pointed);
    return () => document.removeEventListener('pointerdown', pointed);
  }, [root, isActive]);
};

/** The arrows go through the list, beside the tab key. */
const move = (event: KeyboardEvent, root: HTMLElement | null): void => {
  const all = [...(root?.querySelectorAll<HTMLElement>('.tidings-notification') ?? [])];
  if (all.length === 0) return;
  event.preventDefault();
  const at = all.indexOf(document.activeElement as HTMLElement);
  const next = event.key === 'ArrowDown' ? Math.min(at + 1, all.length - 1) : Math.max(at - 1, 0);
  all[next]?.focus();
};

const Bell = (): ReactNode => (
  <svg className="tidings-notifications-bell" viewBox="0 0 24 24" width="1.25em" height="1.25em" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
    <path d="M6 9a6 6 0 0 1 12 0c0 6 2.5 7.5 2.5 7.5h-17S6 15 6 9" />
    <path d="M10 20.5a2.3 2.3 0 0 0 4 0" />
  </svg>
);
