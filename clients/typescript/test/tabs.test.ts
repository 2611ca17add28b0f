import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Tidings } from '../src/json.ts';
import { sharedTabs } from '../src/tabs.ts';
import { until } from './support/daemon.ts';
import { FakeServer } from './support/fake.ts';

/** Web Locks, as far as they are used: who has the lock keeps it until it is taken away. */
class Locks {
  #queue: (() => void)[] = [];

  request(_name: string, hold: () => Promise<void>): Promise<void> {
    this.#queue.push(() => void hold());
    if (this.#queue.length === 1) this.#queue[0]!();
    return new Promise(() => {});
  }

  /** The tab that has it is closed. */
  pass(): void {
    this.#queue.shift();
    this.#queue[0]?.();
  }
}

/** Every tab's channel: closing it is as good as closing the tab. */
const channels: BroadcastChannel[] = [];
const Channel = globalThis.BroadcastChannel;
globalThis.BroadcastChannel = class extends Channel {
  constructor(called: string) {
    super(called);
    channels.push(this);
  }
} as typeof BroadcastChannel;

let locks: Locks;
let server: FakeServer;
let name = 0;
const tabs: Tidings[] = [];

const tab = (): Tidings => {
  const client = connect('alice', 't', {
    url: 'http://server', transports: [sharedTabs(server.transport(), `test-${name}`)], backoff: { firstMs: 10, mostMs: 50 },
  });
  tabs.push(client);
  return client;
};

beforeEach(() => {
  name += 1;
  locks = new Locks();
  server = new FakeServer();
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true });
});
afterEach(() => {
  for (const client of tabs.splice(0)) client.disconnect();
  for (const channel of channels.splice(0)) channel.close();
});

const online = (client: Tidings): Promise<void> => until('online', () => client.status.status === 'online');
const entry = (offset: number, stream = 7): never => ({ entry: { stream, offset, event: 'E', data: offset, at: 1 } }) as never;
const subscribed = (channel: string, offset: number, stream = 7, recovered = 'none'): never =>
  ({ subscribed: { channel, stream, epoch: '00000000000000bb', offset, recovered } }) as never;

const two = async (): Promise<[Tidings, Tidings]> => {
  const first = tab();
  await until('a connection', () => server.links.length === 1);
  server.last.admit();
  await online(first);
  const second = tab();
  await online(second);
  return [first, second];
};

const answer = async (command: string, reply: never, count = 1): Promise<void> => {
  await until(command, () => server.last.commands(command).length === count);
  server.last.answer(command, reply);
};

describe('tabs', () => {
  it('share one connection, each with its own subscriptions', async () => {
    const [first, second] = await two();
    expect(server.links).toHaveLength(1);
    const heard: [string, unknown][] = [];
    first.on('messaging', 'E', (data) => void heard.push(['first', data]));
    second.on('messaging', 'E', (data) => void heard.push(['second', data]));
    const a = first.subscribe('messaging:a');
    await answer('subscribe', subscribed('messaging:a', 0));
    await a;
    const both = second.subscribe('messaging:a');
    const b = await both;
    server.last.tell(entry(1), entry(2));
    await until('both', () => heard.length === 4);
    expect(heard.filter(([who]) => who === 'second')).toEqual([['second', 1], ['second', 2]]);
    b.unsubscribe();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.last.commands('unsubscribe')).toEqual([]);
    server.last.tell(entry(3));
    await until('the first alone', () => heard.length === 5);
    expect(heard.at(-1)).toEqual(['first', 3]);
    (await first.subscribe('messaging:a')).unsubscribe();
    (await a).unsubscribe();
    await until('nobody wants it', () => server.last.commands('unsubscribe').length === 1);
  });

  it('answers go to who has asked', async () => {
    const [first, second] = await two();
    const results = [first.call('one'), second.call('two')];
    await until('both', () => server.last.commands('call').length === 2);
    for (const { id, call } of server.last.commands('call')) server.last.tell({ id: id!, result: (call as { method: string }).method });
    expect(await Promise.all(results)).toEqual(['one', 'two']);
  });

  it('when the tab that has the connection closes, another goes on, and what was missed comes once', async () => {
    const [first, second] = await two();
    const heard: unknown[] = [];
    second.on('messaging', 'E', (data) => void heard.push(data));
    const joined = second.subscribe('messaging:a');
    await answer('subscribe', subscribed('messaging:a', 0));
    await joined;
    server.last.tell(entry(1));
    await until('the first entry', () => heard.length === 1);
    first.disconnect();
    await until('the tab to be left', () => first.status.status === 'closed');
    channels[0]!.close();
    locks.pass();
    await until('another connection', () => server.links.length === 2);
    expect(server.last.hello[0]).toMatchObject({ connect: { resume: { session: 's', secret: 'x' } } });
    server.last.admit({ resumed: true });
    server.last.tell(subscribed('messaging:a', 2, 9, 'complete'), subscribed('messaging:other', 0, 8), entry(2, 9), entry(1, 8));
    await answer('subscribe', subscribed('messaging:a', 2, 9, 'complete'));
    expect(server.last.commands('subscribe')).toMatchObject([{ subscribe: { since: { offset: 1 } } }]);
    server.last.tell(entry(2, 9), entry(3, 9), entry(2, 8));
    await until('what was missed', () => heard.length === 3);
    // The channel of the tab that is gone is left.
    await until('the other channel to be left', () => server.last.commands('unsubscribe').some(({ unsubscribe }) =>
      (unsubscribe as { channel: string }).channel === 'messaging:other'));
    expect(heard).toEqual([1, 2, 3]);
  });

  it('a tab that has missed something gets it, and the others do not get it twice', async () => {
    const [first, second] = await two();
    const heard: [string, unknown][] = [];
    first.on('messaging', 'E', (data) => void heard.push(['first', data]));
    second.on('messaging', 'E', (data) => void heard.push(['second', data]));
    const joined = first.subscribe('messaging:a');
    await answer('subscribe', subscribed('messaging:a', 0));
    await joined;
    server.last.tell(entry(1), entry(2));
    await until('both entries', () => heard.length === 2);
    const late = second.subscribe('messaging:a', { since: { epoch: '00000000000000bb', offset: 0 } });
    await answer('subscribe', subscribed('messaging:a', 2, 7, 'complete'), 2);
    server.last.tell(entry(1), entry(2), entry(3));
    await late;
    await until('all', () => heard.length === 6);
    expect(heard.filter(([who]) => who === 'first').map(([, n]) => n)).toEqual([1, 2, 3]);
    expect(heard.filter(([who]) => who === 'second').map(([, n]) => n)).toEqual([1, 2, 3]);
  });
});
