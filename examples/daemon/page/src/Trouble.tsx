import type { Data } from '@tidings/client';
import { type Channel, useConnection, useTidings } from '@tidings/react';
import { type ReactNode, useEffect, useState } from 'react';

/** Says what is wrong and what to do, where something is. */
export function Trouble({ room, leave }: { room: Channel<Data>; leave: () => void }): ReactNode {
  const client = useTidings();
  const { status, reason, code, wake, waiting } = useConnection();
  const isRefused = useOriginRefused(status === 'offline' && client.server === null);
  if (status === 'closed') {
    return (
      <p className="trouble" role="alert">
        <span><strong>The connection is closed{code === undefined ? '' : ` (${code})`}:</strong> {reason}.</span>
        <button type="button" onClick={leave}>Sign in again</button>
      </p>
    );
  }
  if (isRefused) {
    return (
      <p className="trouble" role="alert">
        <span><strong>This server lets no page of {location.origin} connect.</strong> Start it with <code>ALLOWED_ORIGIN={location.origin}</code>.</span>
      </p>
    );
  }
  if (room.status === 'refused') {
    return <p className="trouble" role="alert"><span><strong>This token may not read the room:</strong> {room.error?.message}.</span><button type="button" onClick={leave}>Use another</button></p>;
  }
  if (status === 'offline') {
    return (
      <p className="trouble mild" role="status">
        <span><strong>Offline:</strong> {reason}.{waiting > 0 && ` ${waiting === 1 ? 'One thing waits' : `${waiting} things wait`} to be sent.`}</span>
        <button type="button" onClick={wake}>Try now</button>
      </p>
    );
  }
  return null;
}

/** Whether it is this page's origin that the server does not want: a browser tells a page nothing of a WebSocket that was refused. */
const useOriginRefused = (isAsked: boolean): boolean => {
  const [isRefused, setIsRefused] = useState(false);
  useEffect(() => {
    if (!isAsked) return undefined;
    const abort = new AbortController();
    // Without a token: what is allowed here is refused for that, and with another status.
    fetch('/api/v1/tickets', { method: 'POST', signal: abort.signal }).then(({ status }) => setIsRefused(status === 403), () => {});
    return () => abort.abort();
  }, [isAsked]);
  return isRefused;
};
