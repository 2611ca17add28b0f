import type { PresenceState } from '@tidings/client';
import { useConnection, useOwnPresence, useTidings } from '@tidings/react';
import type { ReactNode } from 'react';
import { initialOf } from './identity.ts';

const WORDS: Record<PresenceState['status'], string> = {
  online: 'online', busy: 'busy', idle: 'idle', away: 'away', invisible: 'invisible', offline: 'offline', unknown: 'not known',
};

/** What the server tells of a user, and since when. */
export function Presence({ state }: { state: PresenceState | null }): ReactNode {
  const { status: connection } = useConnection();
  if (state === null) return <p className="quiet">…</p>;
  const { status, reason, lastSeen, text } = state;
  const seen = lastSeen === undefined ? '' : `, last seen ${new Date(lastSeen).toLocaleTimeString(undefined, { timeStyle: 'short' })}`;
  const words = status === 'offline' && reason === 'never' ? 'has not been here yet' : `${WORDS[status]}${seen}`;
  return <p className="quiet" data-presence={status}>{words}{text === undefined ? '' : ` · ${text}`}{connection === 'online' ? '' : ' (as far as known)'}</p>;
}

/** The colour of a user's dot. */
export const dotOf = (state: PresenceState | null): string => state?.status ?? 'unknown';

const CHOICES = ['online', 'away', 'busy', 'invisible'] as const;

/** Who this window is, and how it wants to be seen. */
export function OwnPresence(): ReactNode {
  const { user } = useTidings();
  const [state, set] = useOwnPresence();
  const { status } = useConnection();
  const shown = CHOICES.find((one) => one === state?.status) ?? 'online';
  return (
    <div className="own">
      <span className="avatar" data-user={initialOf(user)} aria-hidden="true">{user.slice(0, 1).toUpperCase()}<i className="dot" data-dot={status === 'online' ? dotOf(state) : 'unknown'} /></span>
      <label>
        <span className="own-name">{user}</span>
        <span className="hidden">is</span>
        <select value={shown} onChange={(event) => void set({ status: event.target.value as typeof shown }).catch(() => {})}>
          {CHOICES.map((one) => <option key={one}>{one}</option>)}
        </select>
      </label>
    </div>
  );
}
