import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { connect, json, msgpack, pages, type Options, type Tidings, type WebSocketClass } from '../src/index.ts';
import { serverSentEvents } from '../src/transport/sse.ts';
import { webSocket } from '../src/transport/websocket.ts';
import { Daemon, Line, until } from './support/daemon.ts';

const socket = webSocket(WebSocket as unknown as WebSocketClass);
const WAYS: [string, Options][] = [
  ['WebSocket and MessagePack', { transports: [socket], codec: msgpack }],
  ['WebSocket and JSON', { transports: [socket], codec: json }],
  ['SSE', { transports: [serverSentEvents()] }],
];

const numbers = (to: number): number[] => Array.from({ length: to }, (_, at) => at + 1);

describe.skipIf(Daemon.program === undefined)('against the daemon', () => {
  let daemon: Daemon;
  const clients: Tidings[] = [];
  let rooms = 0;
  const room = (): string => `messaging:room-${++rooms}`;
  const open = (user: string, options: Options = {}): ReturnType<typeof connect> => {
    const client = connect(user, () => daemon.token(user), { url: daemon.url, backoff: { firstMs: 50, mostMs: 500 }, transports: [socket], ...options });
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    // A token of ten minutes is about to end.
    daemon = await new Daemon({ TIDINGS_TIMES__TOKEN_WARNING_MS: '3600000' }).start();
  });
  afterAll(() => daemon.remove());
  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect();
  });

  describe.each(WAYS)('over %s', (_, way) => {
    it('two users talk', async () => {
      const channel = room();
      const [alice, bob] = [open('alice', way), open('bob', way)];
      const heard: unknown[] = [];
      bob.on('messaging', 'NEW_MESSAGE', (data, { from, channel }) => void heard.push([data, from, channel]));
      await bob.subscribe(channel);
      const text = { text: 'grüße 🦀', n: [1, 2.5, null, true], large: 2 ** 40 };
      const receipt = await alice.emit(channel, 'NEW_MESSAGE', text, { wait: 'stored' });
      expect(receipt).toMatchObject({ level: 'stored', position: { offset: 1 } });
      await until('the message', () => heard.length === 1);
      expect(heard).toEqual([[text, 'alice', channel]]);
    });

    it('what is sent to a user comes on every device, also to one that comes later', async () => {
      const [alice, user] = [open('alice', way), `carol-${++rooms}`];
      const heard: unknown[] = [];
      const device = (name: string): Tidings => {
        const client = open(user, { ...way, device: name });
        client.on('notifications', 'E', (data) => void heard.push([name, data]));
        client.on('messaging', 'E', (data) => void heard.push([name, data]));
        return client;
      };
      const phone = device('phone');
      await until('the phone', () => phone.status.status === 'online');
      await alice.emit('messaging', 'E', 1, { to: user, wait: 'stored' });
      await until('the first', () => heard.some((one) => (one as unknown[])[0] === 'phone'));
      device('tablet');
      await until('both', () => new Set(heard.map((one) => (one as unknown[])[0])).size === 2);
    });

    it('what is kept is paged through, of a channel and of the inbox', async () => {
      const channel = room();
      const [alice, user] = [open('alice', way), `dave-${++rooms}`];
      for (const n of numbers(25)) void alice.emit(channel, 'E', n);
      await alice.emit(channel, 'LAST', 'last', { wait: 'stored' });
      await alice.emit('messaging', 'E', { to: user }, { to: user, wait: 'stored' });
      const back: unknown[] = [];
      for await (const { entries } of pages(alice, channel, { limit: 7 })) back.unshift(...entries.map(({ data }) => data));
      expect(back).toEqual([...numbers(25), 'last']);
      const { entries, next } = await alice.history(channel, { since: { ...(await alice.history(channel)).position!, offset: 20 }, limit: 2 });
      expect(entries).toMatchObject([{ data: 21, from: 'alice', channel }, { data: 22 }]);
      expect(next).toMatchObject({ since: { offset: 22 } });
      const dave = open(user, way);
      await until('dave', () => dave.status.status === 'online');
      expect((await dave.history(null)).entries).toMatchObject([{ event: 'E', data: { to: user }, from: 'alice', channel: null }]);
    });

    it('nothing is lost or doubled over a line that is cut again and again', async () => {
      const line = await new Line(() => daemon.port).start();
      const channel = room();
      const [alice, bob] = [open('alice', { ...way, url: line.url }), open('bob', { ...way, url: line.url })];
      const heard: unknown[] = [];
      bob.on('messaging', 'E', (data) => void heard.push(data));
      await bob.subscribe(channel);
      let seed = 12_345;
      const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
      line.cutAfter = () => 400 + random(8_000);
      line.cut();
      const emissions = [];
      for (const n of numbers(1_000)) {
        emissions.push(alice.emit(channel, 'E', n));
        if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await Promise.all(emissions);
      line.cutAfter = null;
      await until('all of them', () => heard.length >= 1_000);
      expect([...heard].sort((a, b) => Number(a) - Number(b))).toEqual(numbers(1_000));
      line.remove();
    });
  });

  it('goes on after the server was killed and started again; what was emitted meanwhile is sent once', async () => {
    const channel = room();
    const [alice, bob] = [open('alice'), open('bob')];
    const heard: unknown[] = [];
    bob.on('messaging', 'E', (data) => void heard.push(data));
    await bob.subscribe(channel);
    await alice.emit(channel, 'E', 1, { wait: 'stored' });
    await daemon.stop();
    await until('the loss to be noticed', () => alice.status.status !== 'online' && bob.status.status !== 'online');
    const emissions = [2, 3, 4].map((n) => alice.emit(channel, 'E', n, { wait: 'stored' }));
    expect(alice.outbox.map(({ state }) => state)).toEqual(['queued', 'queued', 'queued']);
    await daemon.start();
    await until('both to be back', () => alice.status.status === 'online' && bob.status.status === 'online');
    for (const receipt of await Promise.all(emissions)) expect(receipt.level).toBe('stored');
    await until('all of them', () => heard.length >= 4);
    expect(heard).toEqual([1, 2, 3, 4]);
    expect(alice.outbox).toEqual([]);
  });

  it('sees who is there', async () => {
    const [alice, user] = [open('alice'), `dora-${++rooms}`];
    const seen: string[] = [];
    alice.presence.watch([user], ({ status, reason }) => void seen.push(`${status} ${reason}`));
    await until('nobody', () => seen.length === 1);
    const dora = open(user);
    await until('somebody', () => seen.length === 2);
    await dora.presence.set({ status: 'busy', text: 'in a call' });
    await until('a status', () => seen.length === 3);
    expect(alice.presence.of(user)).toMatchObject({ status: 'busy', text: 'in a call' });
    dora.disconnect();
    await until('nobody again', () => seen.length === 4);
    expect(seen).toEqual(['offline never', 'online connected', 'busy set', 'offline left']);
  });

  it('shows another token before its own ends, over the same connection', async () => {
    let tokens = 0;
    const client = connect('erin', () => daemon.token('erin', '--expires', ++tokens === 1 ? '10m' : '24h'), { url: daemon.url, transports: [socket] });
    clients.push(client);
    const errors: unknown[] = [];
    client.onError((error) => errors.push(error));
    await until('another token', () => tokens === 2);
    await client.command({ ping: {} });
    expect([client.status.reason, errors]).toEqual(['connected', []]);
  });

  it('10,000 entries that were missed come in order', async () => {
    const channel = room();
    const [alice, bob] = [open('alice'), open('bob')];
    const line = await new Line(() => daemon.port).start();
    const carol = open('carol', { url: line.url });
    const heard: number[] = [];
    carol.on<number>('messaging', 'E', (n) => void heard.push(n));
    await carol.subscribe(channel);
    await bob.subscribe(channel);
    line.down();
    const emissions = [];
    for (const n of numbers(10_000)) {
      emissions.push(alice.emit(channel, 'E', n));
      if (emissions.length === 500) await Promise.all(emissions.splice(0));
    }
    line.down(false);
    await until('all of them', () => heard.length >= 10_000);
    expect(heard).toEqual(numbers(10_000));
    expect(carol.duplicates).toBe(0);
    line.remove();
  });
});
