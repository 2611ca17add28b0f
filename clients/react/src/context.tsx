import { connect, type Options, type TokenSource } from '@tidings/client';
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from 'react';

/** A client with presence, as `connect` of `@tidings/client` makes it. */
export type Client = ReturnType<typeof connect>;

const Context = createContext<Client | null>(null);

/** A client of the application's own, which it also ends. */
export interface GivenClient {
  client: Client;
  children?: ReactNode;
}

/** A client that lives as long as the provider, and is made anew for another user or another server. */
export interface MadeClient {
  user: string;
  token: TokenSource;
  /** As for `connect`; what is here when the provider appears counts. */
  options?: Options;
  /** Shown until there is a client: for the first moment, and on a server. */
  fallback?: ReactNode;
  children?: ReactNode;
}

/** Gives a client to everything below. */
export function TidingsProvider(props: GivenClient | MadeClient): ReactNode {
  if ('client' in props) return <Context.Provider value={props.client}>{props.children}</Context.Provider>;
  return <Making {...props} />;
}

function Making({ user, token, options, fallback = null, children }: MadeClient): ReactNode {
  const [client, setClient] = useState<Client | null>(null);
  // A function that is written in place is another at each rendering, and no reason to connect anew.
  const source = useRef(token);
  source.current = token;
  const given = useRef(options);
  const isFunction = typeof token === 'function';
  const fixed = isFunction ? null : token;
  const url = options?.url;
  useEffect(() => {
    const made = connect(user, isFunction ? () => call(source.current) : fixed!, { ...given.current, ...(url === undefined ? {} : { url }) });
    setClient(made);
    return () => {
      setClient(null);
      made.disconnect();
    };
  }, [user, url, isFunction, fixed]);
  return client === null ? fallback : <Context.Provider value={client}>{children}</Context.Provider>;
}

const call = (source: TokenSource): string | Promise<string> => (typeof source === 'function' ? source() : source);

/** The client of the provider above. */
export function useTidings(): Client {
  const client = useContext(Context);
  if (client === null) throw new Error('no TidingsProvider stands above this component');
  return client;
}

