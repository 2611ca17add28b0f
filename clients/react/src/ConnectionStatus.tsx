import type { Quality, Status } from '@tidings/client';
import type { ReactNode } from 'react';
import { type ConnectionState, useConnection } from './connection.ts';
import { HIDDEN } from './hidden.ts';

/** The words, for applications that speak another language. */
export interface ConnectionWords {
  status: Record<Status, string>;
  quality: Record<Quality, string>;
  /** The time there and back. */
  latency: (ms: number) => string;
  /** Publications that wait. */
  waiting: (count: number) => string;
}

export interface ConnectionStatusProps {
  words?: Partial<ConnectionWords>;
  /** On the chip, beside `tidings-connection`. */
  className?: string;
}

const WORDS: ConnectionWords = {
  status: { connecting: 'Connecting', online: 'Online', resuming: 'Resuming', offline: 'Offline', closed: 'Disconnected' },
  quality: { EXCELLENT: 'Excellent', GOOD: 'Good', FAIR: 'Fair', POOR: 'Poor', OFFLINE: 'Offline' },
  latency: (ms) => `${ms} ms`,
  waiting: (count) => `${count} waiting`,
};

/** A chip that says how the connection is: while there is one its quality and the milliseconds there and back, else its status. */
export function ConnectionStatus({ words, className }: ConnectionStatusProps): ReactNode {
  const connection = useConnection();
  const say = { ...WORDS, ...words };
  const { status, quality, latencyMs, waiting, reason } = connection;
  const isOnline = status === 'online';
  return (
    <span className={`tidings-connection ${className ?? ''}`.trim()} data-status={status} data-quality={quality} title={reason}>
      <span className="tidings-connection-dot" aria-hidden="true" />
      <span className="tidings-connection-word">{label(connection, say)}</span>
      {isOnline && latencyMs !== null && <span className="tidings-connection-latency">{say.latency(latencyMs)}</span>}
      {waiting > 0 && !isOnline && <span className="tidings-connection-waiting">{say.waiting(waiting)}</span>}
      {/* Milliseconds change all the time: only what the status is, is said aloud. */}
      <span role="status" style={HIDDEN}>{say.status[status]}</span>
    </span>
  );
}

const label = ({ status, quality }: ConnectionState, say: ConnectionWords): string =>
  status === 'online' && quality !== 'OFFLINE' ? say.quality[quality] : say.status[status];
