import { type Options, serverSentEvents, webSocket } from '@tidings/client';
import { TidingsProvider } from '@tidings/react';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { Desk } from './Desk.tsx';
import { forget, hold, type Identity, remember } from './identity.ts';
import { SignIn } from './SignIn.tsx';
import { Wire } from './wire.ts';

/** The page: who you are, and then the chat. */
export function App({ first }: { first: Identity | null }): ReactNode {
  const [identity, setIdentity] = useState(first);
  useEffect(() => {
    document.title = identity === null ? 'Tidings' : `${identity.user} – Tidings`;
    if (identity !== null) void hold(identity.user);
  }, [identity]);
  const enter = (entered: Identity): void => {
    remember(entered);
    setIdentity(entered);
  };
  const leave = (): void => {
    forget();
    setIdentity(null);
  };
  if (identity === null) return <SignIn enter={enter} />;
  return <Connected key={identity.user} identity={identity} leave={leave} />;
}

function Connected({ identity, leave }: { identity: Identity; leave: () => void }): ReactNode {
  const wire = useMemo(() => new Wire(), []);
  const options = useMemo((): Options => ({
    transports: [wire.over(webSocket()), wire.over(serverSentEvents())],
    // A person who waits in front of the window is not kept waiting long.
    backoff: { firstMs: 250, mostMs: 4_000 },
  }), [wire]);
  return (
    <TidingsProvider user={identity.user} token={identity.token} options={options}>
      <Desk identity={identity} wire={wire} leave={leave} />
    </TidingsProvider>
  );
}
