import { type ReactNode, useState, useSyncExternalStore } from 'react';
import type { Seen, Wire } from './wire.ts';

/** What goes over the wire, where somebody wants to see it: always in its view on a phone, on demand on a desk. */
export function Frames({ wire, isShown }: { wire: Wire; isShown: boolean }): ReactNode {
  const [isOpen, setIsOpen] = useState(false);
  const isSeen = isShown || isOpen;
  return (
    <>
      <div className="frames-head">
        <h2><button type="button" aria-expanded={isSeen} aria-controls="frames" onClick={() => setIsOpen(!isOpen)}>Frames on the wire</button></h2>
        {isSeen && <button type="button" className="plain" onClick={() => wire.clear()}>Clear</button>}
      </div>
      <div id="frames">{isSeen && <List wire={wire} />}</div>
    </>
  );
}

function List({ wire }: { wire: Wire }): ReactNode {
  const seen = useSyncExternalStore(wire.subscribe, () => wire.seen);
  if (seen.length === 0) return <p className="quiet">Nothing yet.</p>;
  return (
    <ol className="frame-list" tabIndex={0} aria-label="Frames, the newest first">
      {[...seen].reverse().map((one) => <Row key={one.id} one={one} />)}
    </ol>
  );
}

function Row({ one: { isUp, at, name, text, way } }: { one: Seen }): ReactNode {
  return (
    <li data-up={isUp}>
      <span className="frame-name"><span aria-hidden="true">{isUp ? '↑' : '↓'}</span><span className="hidden">{isUp ? 'sent' : 'received'}</span> {name}</span>
      <span className="quiet">{new Date(at).toLocaleTimeString(undefined, { hour12: false })}.{String(at % 1_000).padStart(3, '0')} {way === 'sse' ? 'HTTP' : 'WebSocket'}</span>
      <code>{text}</code>
    </li>
  );
}
