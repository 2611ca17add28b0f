import type { Emission } from '@tidings/client';
import { useConnection, useTidings } from '@tidings/react';
import { type ReactNode, useEffect, useId, useState, useSyncExternalStore } from 'react';
import { messageOf } from './message.ts';
import { Addresses } from './SignIn.tsx';
import type { Wire } from './wire.ts';

/** What can be tried, and what this window's connection is about. */
export function Workbench({ wire, other, link, leave }: { wire: Wire; other: string; link: string | null; leave: () => void }): ReactNode {
  const isCut = useSyncExternalStore(wire.subscribe, () => wire.isCut);
  const isBlocked = useSyncExternalStore(wire.subscribe, () => wire.isBlocked);
  return (
    <>
      <section>
        <h2>This window’s network</h2>
        <Switch label="Offline" note="cuts the connection; what you write waits" isOn={isCut} set={(isOn) => wire.cut(isOn)} />
        <Switch label="WebSockets blocked" note="goes on over server-sent events" isOn={isBlocked} set={(isOn) => wire.block(isOn)} />
        <Connection isBlocked={isBlocked} />
        <Outbox />
      </section>
      <section>
        <h2>What to try</h2>
        <ol className="tries">
          <li>{link === null ? `Sign in as ${other} in a second window` : <><a href={link} target="_blank" rel="noopener">Open {other}’s window</a> beside this one</>} and write. One tick is <em>stored on disk</em>, two are <em>delivered</em>, coloured ones <em>read</em>.</li>
          <li>Take this window <em>offline</em>, write, let {other} write, and come back: everything is there once, in order.</li>
          <li>Close {other}’s window, <em>notify</em> {other}, open it again: the notification has waited.</li>
          <li>Kill the server with <kbd>kill -9</kbd> and start it again on the same data: nothing that had its tick is gone.{link !== null && ' It prints another link then.'}</li>
          <li>Block <em>WebSockets</em>: the session goes on over plain HTTP.</li>
        </ol>
      </section>
      <section>
        <h2>From a terminal</h2>
        <p className="quiet">With a token, which the server prints at its start or <code>tidingsd token --user carol</code> makes:</p>
        <pre><code>{`curl -N -H "Authorization: Bearer $TOKEN" \\\n  '${location.origin}/sse?channel=messaging:lobby'`}</code></pre>
        <pre><code>{`tidingsd pub --server ${location.origin.replace(/^http/, 'ws')}/ws \\\n  --token "$TOKEN" messaging:lobby '{"text":"hi"}'`}</code></pre>
        <Addresses />
        <button type="button" className="plain" onClick={leave}>Sign out of this window</button>
      </section>
    </>
  );
}

function Switch({ label, note, isOn, set }: { label: string; note: string; isOn: boolean; set: (isOn: boolean) => void }): ReactNode {
  const id = useId();
  return (
    <div className="switch">
      <button type="button" role="switch" aria-checked={isOn} aria-labelledby={id} aria-describedby={`${id}-note`} onClick={() => set(!isOn)}><i /></button>
      <span><span id={id}>{label}</span> <span id={`${id}-note`} className="quiet">{note}</span></span>
    </div>
  );
}

function Connection({ isBlocked }: { isBlocked: boolean }): ReactNode {
  const client = useTidings();
  const { status, quality, latencyMs, transport, reason, retryInMs } = useConnection();
  const left = useCountdown(status === 'offline' ? retryInMs : undefined);
  return (
    <dl className="facts">
      <dt>Status</dt><dd>{status}{left === null ? <span className="quiet"> · {reason}</span> : <span className="quiet"> · next attempt in {left} s</span>}</dd>
      <dt>Quality</dt><dd>{quality.toLowerCase()}{latencyMs !== null && <span className="quiet"> · {latencyMs} ms there and back</span>}</dd>
      <dt>Transport</dt><dd>{transport === 'websocket' ? 'WebSocket, MessagePack' : 'server-sent events, JSON'}{transport === 'sse' && !isBlocked && <span className="quiet"> · tries WebSocket within a minute</span>}</dd>
      <dt>Session</dt><dd><code>{client.server?.session.slice(0, 12) ?? '–'}</code></dd>
      <dt>Dropped</dt><dd>{client.duplicates} <span className="quiet">that came twice</span></dd>
    </dl>
  );
}

/** Seconds until something that was announced. */
const useCountdown = (ms: number | undefined): number | null => {
  const [left, setLeft] = useState<number | null>(null);
  useEffect(() => {
    if (ms === undefined) {
      setLeft(null);
      return undefined;
    }
    const end = Date.now() + ms;
    const look = (): void => setLeft(Math.max(0, Math.ceil((end - Date.now()) / 1_000)));
    look();
    const timer = setInterval(look, 500);
    return () => clearInterval(timer);
  }, [ms]);
  return left;
};

/** Most that are listed. */
const LISTED = 5;

function Outbox(): ReactNode {
  const client = useTidings();
  const { waiting: count } = useConnection();
  if (count === 0) return <p className="quiet outbox">Nothing waits to be sent.</p>;
  return (
    <div className="outbox">
      <p><strong>{count === 1 ? 'One thing waits' : `${count} things wait`} to be sent</strong></p>
      <ul>
        {client.outbox.slice(0, LISTED).map((emission) => <li key={String(emission.body['idempotency_key'])}><code>{nameOf(emission)}</code> {textOf(emission)}</li>)}
        {count > LISTED && <li className="quiet">and {count - LISTED} more</li>}
      </ul>
    </div>
  );
}

const nameOf = ({ body }: Emission): string => String(body['event']);
const textOf = ({ body }: Emission): string => messageOf(body['data'] ?? null).text.slice(0, 60);
