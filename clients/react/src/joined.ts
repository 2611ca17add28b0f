import { type Data, type Handler, type Position, TidingsError } from '@tidings/client';
import { useEffect, useRef, useState } from 'react';
import { useTidings } from './context.tsx';

/** How far the client is with a channel. */
export interface Joined {
  readonly status: 'joining' | 'joined' | 'refused';
  /** Why it was refused. */
  readonly error: TidingsError | null;
}

const JOINING: Joined = { status: 'joining', error: null };
const JOINED: Joined = { status: 'joined', error: null };

/** Is subscribed to a channel for as long as the component lives, and hears all of its events. */
export function useJoined<D = Data>(channel: string, handler: Handler<D>, since: Position | null = null): Joined {
  const client = useTidings();
  const [joined, setJoined] = useState<Joined>(JOINING);
  const heard = useRef(handler);
  heard.current = handler;
  const from = useRef(since);
  from.current = since;
  useEffect(() => {
    let isHere = true;
    let isRefused = false;
    const refused = (error: TidingsError): void => {
      isRefused = true;
      if (isHere) setJoined({ status: 'refused', error });
    };
    setJoined(JOINING);
    // Before the channel is joined: what it brings comes in the same message as the answer.
    const off = client.on<D>(channel.slice(0, channel.indexOf(':')), '*', (data, meta) =>
      meta.channel === channel ? heard.current(data, meta) : undefined,
    );
    client.subscribe(channel, { since: from.current }).then(() => isHere && setJoined(JOINED), refused);
    // It was joined, and then the user's right to it has ended.
    const offErrors = client.onError((error) => error.channel === channel && refused(error));
    return () => {
      isHere = false;
      off();
      offErrors();
      if (!isRefused) client.unsubscribe(channel);
    };
  }, [client, channel]);
  return joined;
}
