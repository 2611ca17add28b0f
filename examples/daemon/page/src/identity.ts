import type { TokenSource } from '@tidings/client';

/** Who this window is, and how it proves it. */
export interface Identity {
  readonly user: string;
  readonly token: TokenSource;
  /** The key of a server that was started for a trial: with it the page gets tokens for `USERS`. */
  readonly key?: string;
}

/** For whom a server on trial gives tokens. */
export const USERS = ['alice', 'bob'] as const;

const KEY = 'tidings-key';
const TOKEN = 'tidings-token';

/** A token from the server's trial. */
const fromTrial = async (key: string, user: string): Promise<string> => {
  const answer = await fetch(`/trial/token?user=${encodeURIComponent(user)}`, {
    method: 'POST', headers: { Authorization: `Bearer ${key}` }, cache: 'no-store', credentials: 'omit',
  });
  if (answer.ok) return ((await answer.json()) as { token: string }).token;
  throw new Error(answer.status === 403 ? 'this link is of another start of the server: open the one that it has printed now' : `the server answered ${answer.status}`);
};

export const trial = (key: string, user: string): Identity => ({ user, key, token: () => fromTrial(key, user) });

/** By a token that a person has brought; the user stands in it. */
export const pasted = (token: string): Identity => ({ user: subject(token), token });

/** The user of a token, which is no proof of anything: that is the server's matter. */
const subject = (token: string): string => {
  const [, payload] = token.split('.');
  try {
    const bytes = Uint8Array.from(atob(payload!.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: unknown };
    if (typeof sub === 'string' && sub !== '') return sub;
  } catch {
    // Told below.
  }
  throw new Error('This is no token: one has three parts with dots between them, such as `tidingsd token --user alice` prints.');
};

/** What the address brings behind its `#`, which browsers send to nobody. It is taken out of the address. */
const fromAddress = (): { key: string | null; user: string | null } => {
  const given = new URLSearchParams(location.hash.slice(1));
  if (given.has('key')) history.replaceState(null, '', location.pathname + location.search);
  return { key: given.get('key'), user: given.get('user') };
};

/** Who this window is by its address, or was before it was loaded anew. Kept for this window alone, and as long as it is open. */
export const remembered = async (): Promise<Identity | null> => {
  const { key, user } = fromAddress();
  if (key !== null) {
    const mine = user ?? (await free());
    remember(trial(key, mine));
    return trial(key, mine);
  }
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as { key: string; user: string } | null;
    if (kept !== null) return trial(kept.key, kept.user);
    const token = sessionStorage.getItem(TOKEN);
    return token === null ? null : pasted(token);
  } catch {
    return null;
  }
};

export const remember = ({ user, key, token }: Identity): void => {
  try {
    if (key !== undefined) sessionStorage.setItem(KEY, JSON.stringify({ key, user }));
    else if (typeof token === 'string') sessionStorage.setItem(TOKEN, token);
  } catch {
    // A window that may keep nothing asks again.
  }
};

export const forget = (): void => {
  try {
    sessionStorage.removeItem(KEY);
    sessionStorage.removeItem(TOKEN);
  } catch {
    // Nothing was kept.
  }
};

/** The first of `USERS` that no other window of this browser is: the second window is bob by itself. */
const free = async (): Promise<string> => {
  for (const user of USERS) if (await hold(user)) return user;
  return USERS[0];
};

/** Takes a name for as long as this window is open; false if another window has it. */
export const hold = (user: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { locks } = navigator as Partial<Navigator>;
    if (locks === undefined) return resolve(true);
    void locks.request(`tidings-page-${user}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise(() => {});
    }).catch(() => resolve(true));
  });

/** Where another user's window is opened. */
export const linkOf = (key: string, user: string): string => `/#${new URLSearchParams({ key, user }).toString()}`;

/** By this a colour is chosen. */
export const initialOf = (user: string): string => (user === USERS[0] ? 'a' : user === USERS[1] ? 'b' : 'c');
