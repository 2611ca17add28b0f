import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect, type Options, type Tidings, type TokenSource } from '../src/json.ts';
import { FakeServer } from './support/fake.ts';

let server: FakeServer;
let client: Tidings;

const open = async (token: TokenSource = 't', options: Options = {}): Promise<void> => {
  client = connect('alice', token, { url: 'http://server', transports: [server.transport()], ...options });
  await vi.advanceTimersByTimeAsync(0);
};

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  server = new FakeServer();
});

afterEach(() => {
  client.disconnect();
  vi.useRealTimers();
});

const subscribed = (channel: string, offset: number, recovered = 'none', epoch = '00000000000000bb'): never =>
  ({ subscribed: { channel, stream: 7, epoch, offset, recovered } }) as never;
const entry = (offset: number, stream = 7): never => ({ entry: { stream, offset, event: 'E', data: offset, at: 1 } }) as never;

describe('connecting', () => {
  it('says who it is and becomes online', async () => {
    await open('secret', { device: 'phone' });
    expect(server.last.hello).toEqual([{ id: 0, connect: { token: 'secret', device: 'phone' } }]);
    expect(client.status.status).toBe('connecting');
    server.last.admit();
    expect(client.status.status).toBe('online');
  });

  it('comes back with full jitter, later each time, and not before the server says', async () => {
    await open('t', { backoff: { random: () => 1 } });
    server.last.admit();
    const pauses: number[] = [];
    client.onStatus(({ retryInMs }) => retryInMs !== undefined && pauses.push(retryInMs));
    server.last.tell({ close: { code: 3001, reason: 'shutdown', retry_after_ms: 4_200 } });
    server.last.events.ended(3001, 'shutdown');
    for (let times = 0; times < 3; times++) {
      await vi.advanceTimersByTimeAsync(pauses.at(-1)!);
      server.last.events.ended(1006, '');
    }
    expect(pauses).toEqual([4_700, 1_000, 2_000, 4_000]);
  });

  it('does not come back when the server sends it away', async () => {
    await open();
    server.last.admit();
    server.last.tell({ close: { code: 3504, reason: 'disconnected' } });
    server.last.events.ended(3504, 'disconnected');
    await vi.advanceTimersByTimeAsync(100_000);
    expect(server.links).toHaveLength(1);
    expect(client.status).toEqual({ status: 'closed', reason: 'disconnected', code: 3504 });
  });

  it('gets another token once when one is refused, for all who ask', async () => {
    const token = vi.fn(() => Promise.resolve(`token-${token.mock.calls.length}`));
    await open(token);
    server.last.tell({ id: 0, error: { code: 2001, name: 'unauthorized', message: 'no', retry: false } });
    server.last.events.ended(3500, 'unauthorized');
    await vi.advanceTimersByTimeAsync(0);
    expect(server.last.hello[0]).toMatchObject({ connect: { token: 'token-2' } });
    server.last.admit();
    server.last.tell({ expiring: { in_ms: 1_000 } });
    server.last.tell({ expiring: { in_ms: 1_000 } });
    await vi.advanceTimersByTimeAsync(0);
    expect(token).toHaveBeenCalledTimes(3);
    expect(server.last.commands('refresh')[0]).toMatchObject({ refresh: { token: 'token-3' } });
  });

  it('ends when the next token is refused as well, or there is no other', async () => {
    await open(() => 'bad');
    for (let times = 0; times < 2; times++) {
      server.last.events.ended(3500, 'unauthorized');
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(client.status.status).toBe('closed');
    await open('worse');
    server.last.events.ended(3500, 'unauthorized');
    expect(client.status.status).toBe('closed');
  });

  it('takes the other way when the first does not even open, and moves back with its session', async () => {
    const blocked = new FakeServer();
    await open('t', { transports: [blocked.transport(), server.transport('sse')], backoff: { random: () => 0 } });
    for (let times = 0; times < 2; times++) {
      blocked.last.events.ended(1006, '');
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(server.links).toHaveLength(1);
    server.last.admit();
    expect(client.transport).toBe('sse');
    for (let seconds = 0; seconds < 60; seconds += 20) {
      server.last.tell({ ping: {} });
      await vi.advanceTimersByTimeAsync(20_000);
    }
    const back = blocked.last;
    expect(back.hello[0]).toMatchObject({ connect: { resume: { session: 's', secret: 'x' } } });
    expect(client.status.status).toBe('online');
    back.admit({ resumed: true });
    expect(client.transport).toBe('websocket');
    expect(server.last.isClosed).toBe(true);
    expect(client.status.status).toBe('online');
  });

  it('asks a silent server whether it is there, and leaves it when it is not', async () => {
    await open('t', { backoff: { random: () => 0 } });
    server.last.admit();
    const first = server.last;
    first.answer('ping', { pong: {} });
    await vi.advanceTimersByTimeAsync(40_000);
    expect(server.links).toHaveLength(2);
    expect(first.isClosed).toBe(true);
  });

  it('notices that the machine has slept', async () => {
    await open();
    server.last.admit();
    const pings = server.last.commands('ping').length;
    vi.setSystemTime(Date.now() + 3_600_000);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.last.commands('ping').length).toBe(pings + 1);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(server.last.isClosed || server.links.length > 1).toBe(true);
  });
});

describe('streams', () => {
  const heard: unknown[] = [];
  beforeEach(async () => {
    heard.length = 0;
    await open('t', { backoff: { random: () => 0 } });
    client.on('messaging', 'E', (data) => void heard.push(data));
    server.last.admit();
  });

  const join = async (): Promise<void> => {
    const joined = client.subscribe('messaging:a');
    server.last.answer('subscribe', subscribed('messaging:a', 4));
    await joined;
  };

  const cut = async (resumed: boolean): Promise<void> => {
    server.last.events.ended(1006, '');
    await vi.advanceTimersByTimeAsync(1);
    server.last.admit({ resumed });
  };

  it('hands on each entry once, and acknowledges what was handled', async () => {
    await join();
    server.last.tell(entry(5), entry(6), entry(6));
    expect(heard).toEqual([5, 6]);
    expect(client.duplicates).toBe(1);
    await vi.advanceTimersByTimeAsync(250);
    expect(server.last.commands('ack')).toEqual([{ ack: { stream: 7, offset: 6 } }]);
  });

  it('does not acknowledge what is still being handled', async () => {
    await join();
    let release = (): void => {};
    client.on('messaging', 'E', (data) => (data === 5 ? new Promise<void>((resolve) => (release = resolve)) : undefined));
    server.last.tell(entry(5), entry(6));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.last.commands('ack')).toEqual([]);
    release();
    await vi.advanceTimersByTimeAsync(300);
    expect(server.last.commands('ack')).toEqual([{ ack: { stream: 7, offset: 6 } }]);
  });

  it('resumes with its positions; the session joins by itself', async () => {
    await join();
    server.last.tell(entry(5));
    await cut(true);
    const [{ connect: hello }] = server.last.hello as [{ connect: { resume: { positions: unknown[] } } }];
    expect(hello.resume.positions).toEqual([
      { inbox: true, epoch: '00000000000000aa', offset: 0 },
      { channel: 'messaging:a', epoch: '00000000000000bb', offset: 5 },
    ]);
    server.last.tell(subscribed('messaging:a', 9, 'complete'), entry(6));
    server.last.answer('ping', { pong: {} });
    expect(server.last.commands('subscribe')).toEqual([]);
    expect(heard).toEqual([5, 6]);
  });

  it('subscribes again where the session is gone, from where it is', async () => {
    await join();
    server.last.tell(entry(5));
    await cut(false);
    expect(server.last.commands('subscribe')).toMatchObject([
      { subscribe: { channel: 'messaging:a', since: { epoch: '00000000000000bb', offset: 5 } } },
    ]);
  });

  it('tells a gap, and goes on behind it', async () => {
    await join();
    const gaps: unknown[] = [];
    client.onGap((gap) => gaps.push(gap));
    await cut(false);
    server.last.answer('subscribe', subscribed('messaging:a', 12, 'gap', '00000000000000cc'));
    server.last.tell({ gap: { stream: 7, from: 1, to: 10, reason: 'epoch' } }, entry(11), entry(12));
    expect(gaps).toEqual([{ channel: 'messaging:a', epoch: '00000000000000cc', from: 1, to: 10, reason: 'epoch' }]);
    expect(heard).toEqual([11, 12]);
  });

  it('leaves what was unsubscribed from while it was away', async () => {
    await join();
    server.last.events.ended(1006, '');
    client.unsubscribe('messaging:a');
    await vi.advanceTimersByTimeAsync(1);
    server.last.admit({ resumed: true });
    server.last.tell(subscribed('messaging:a', 9, 'complete'));
    expect(server.last.commands('unsubscribe')).toMatchObject([{ unsubscribe: { channel: 'messaging:a' } }]);
  });

  it('takes channels that the host gives, and lets go of those that it takes', async () => {
    const errors: unknown[] = [];
    client.onError((error) => errors.push(error.kind));
    server.last.tell(subscribed('messaging:given', 4), entry(5));
    expect(heard).toEqual([5]);
    await cut(false);
    expect(server.last.commands('subscribe')).toMatchObject([{ subscribe: { channel: 'messaging:given' } }]);
    server.last.tell({ unsubscribed: { channel: 'messaging:given', reason: 'forbidden' } });
    expect(errors).toEqual(['unsubscribed']);
    await cut(false);
    expect(server.last.commands('subscribe')).toEqual([]);
  });

  it('rejects who wants what it may not have, and does not try again', async () => {
    const refused = client.subscribe('messaging:secret');
    const seen = expect(refused).rejects.toMatchObject({ code: 2003, kind: 'forbidden' });
    server.last.answer('subscribe', { error: { code: 2003, name: 'forbidden', message: 'no', retry: false } });
    await seen;
    await cut(false);
    expect(server.last.commands('subscribe')).toEqual([]);
  });

  it('reports what a handler throws and goes on', async () => {
    await join();
    const thrown: unknown[] = [];
    const catcher = (error: unknown): void => void thrown.push(error);
    process.on('uncaughtException', catcher);
    client.on('messaging', 'E', () => {
      throw new Error('a bug of the application');
    });
    server.last.tell(entry(5));
    await vi.advanceTimersByTimeAsync(300);
    process.off('uncaughtException', catcher);
    expect(String(thrown[0])).toContain('a bug of the application');
    expect(server.last.commands('ack')).toEqual([{ ack: { stream: 7, offset: 5 } }]);
  });
});

describe('the outbox', () => {
  beforeEach(() => open('t', { backoff: { random: () => 0 } }));

  const publications = (): unknown[] =>
    server.links.flatMap((link) => link.commands('publish')).map(({ publish }) => publish);
  const published = { published: { stream: 7, epoch: '00000000000000bb', offset: 3, level: 'stored' } };

  it('keeps what is emitted before there is a connection, and sends it once, in order', async () => {
    const states: string[] = [];
    const first = client.emit('messaging:a', 'E', 1, { wait: 'stored' });
    first.onState((state) => states.push(state));
    client.emit('messaging:a', 'E', 2);
    expect(client.outbox).toHaveLength(2);
    server.last.admit();
    await vi.advanceTimersByTimeAsync(0);
    expect(publications()).toMatchObject([{ data: 1, wait: 'stored' }, { data: 2 }]);
    const [one] = server.last.commands('publish');
    server.last.tell({ id: one!.id!, ...published });
    expect(await first).toEqual({ level: 'stored', position: { epoch: '00000000000000bb', offset: 3 } });
    expect(states).toEqual(['sent', 'stored']);
    expect(client.outbox).toHaveLength(1);
  });

  it('sends again what was not answered, under the same key', async () => {
    server.last.admit();
    await vi.advanceTimersByTimeAsync(0);
    const emission = client.emit('messaging:a', 'E', 1);
    server.last.events.ended(1006, '');
    expect(emission.state).toBe('queued');
    await vi.advanceTimersByTimeAsync(1);
    server.last.admit({ resumed: true });
    await vi.advanceTimersByTimeAsync(0);
    const [first, second] = publications() as { idempotency_key: string }[];
    expect(second).toEqual(first);
    expect(first!.idempotency_key).toMatch(/^[0-9a-f]{32}$/);
  });

  it('does not risk to send twice what the server may have forgotten', async () => {
    server.last.admit();
    await vi.advanceTimersByTimeAsync(0);
    const emission = client.emit('messaging:a', 'E', 1);
    const seen = expect(emission).rejects.toMatchObject({ kind: 'unknown' });
    server.last.events.ended(1006, '');
    vi.setSystemTime(Date.now() + 120_000);
    await vi.advanceTimersByTimeAsync(1);
    server.last.admit();
    await vi.advanceTimersByTimeAsync(0);
    await seen;
    expect(publications()).toHaveLength(1);
  });

  it('waits as long as the server says and keeps the order', async () => {
    server.last.admit();
    await vi.advanceTimersByTimeAsync(0);
    for (const n of [1, 2, 3]) client.emit('messaging:a', 'E', n);
    const slow = { code: 2006, name: 'rate_limited', message: 'slowly', retry: true, retry_after_ms: 700 };
    for (const { id } of server.last.commands('publish')) server.last.tell({ id: id!, error: slow });
    await vi.advanceTimersByTimeAsync(699);
    expect(publications()).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(2);
    expect(publications().slice(3)).toMatchObject([{ data: 1 }, { data: 2 }, { data: 3 }]);
  });

  it('gives up what the server refuses, and refuses more than it may keep', async () => {
    client.disconnect();
    await open('t', { outbox: { max: 2 } });
    const [first, , third] = [1, 2, 3].map((n) => client.emit('messaging:a', 'E', n));
    await expect(third).rejects.toMatchObject({ kind: 'full' });
    server.last.admit();
    await vi.advanceTimersByTimeAsync(0);
    const [one] = server.last.commands('publish');
    server.last.tell({ id: one!.id!, error: { code: 2003, name: 'forbidden', message: 'no', retry: false } });
    await expect(first).rejects.toMatchObject({ code: 2003 });
    expect(first!.state).toBe('failed');
  });

  it('drops what was now or never', async () => {
    const typing = client.emit('messaging:a', 'TYPING_START', null, { ephemeral: true });
    await expect(typing).rejects.toMatchObject({ kind: 'offline' });
    server.last.admit();
    await vi.advanceTimersByTimeAsync(0);
    expect(publications()).toEqual([]);
  });
});

describe('calls', () => {
  it('are answered, refused, or end with the connection', async () => {
    await open();
    await expect(client.call('time')).rejects.toMatchObject({ kind: 'offline' });
    server.last.admit();
    const time = client.call('time');
    server.last.answer('call', { result: 7 });
    expect(await time).toBe(7);
    const lost = expect(client.call('time')).rejects.toMatchObject({ kind: 'offline' });
    server.last.events.ended(1006, '');
    await lost;
  });
});
