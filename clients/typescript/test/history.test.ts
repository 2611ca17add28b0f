import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect, entriesIn, fillGaps, type HistoryEntry, pages, type Tidings } from '../src/json.ts';
import type { HistoryFrame } from '../src/frames.ts';
import { FakeServer } from './support/fake.ts';

const EPOCH = '00000000000000bb';
const CHANNEL = 'messaging:a';

let server: FakeServer;
let client: Tidings;

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_000_000 });
  server = new FakeServer();
  client = connect('alice', 't', { url: 'http://server', transports: [server.transport()] });
  await vi.advanceTimersByTimeAsync(0);
  server.last.admit();
});

afterEach(() => {
  client.disconnect();
  vi.useRealTimers();
});

const told = (offsets: number[], fields: Partial<HistoryFrame> = {}): HistoryFrame => ({
  epoch: EPOCH,
  offset: 9,
  first: 1,
  from: offsets[0] ?? 1,
  to: offsets.at(-1) ?? 0,
  entries: offsets.map((offset) => ({ offset, event: 'E', data: offset, from: 'bob', at: 5 })),
  more: false,
  ...fields,
});

/** What was asked for last, and its answer. */
const answer = async (history: HistoryFrame): Promise<unknown> => {
  await vi.advanceTimersByTimeAsync(0);
  const asked = server.last.commands('history').at(-1)!['history'];
  server.last.answer('history', { history });
  await vi.advanceTimersByTimeAsync(0);
  return asked;
};

describe('the past', () => {
  it('is shown as handlers hear it', async () => {
    const page = client.history(CHANNEL, { limit: 2 });
    expect(await answer(told([8, 9], { more: true, gaps: [{ from: 1, to: 7, reason: 'expired' }] }))).toEqual({ channel: CHANNEL, limit: 2 });
    const { entries, gaps, position, first, next } = await page;
    expect(entries[0]).toEqual({ event: 'E', data: 8, from: 'bob', at: 5, channel: CHANNEL, namespace: 'messaging', position: { epoch: EPOCH, offset: 8 } });
    expect(gaps).toEqual([{ channel: CHANNEL, epoch: EPOCH, from: 1, to: 7, reason: 'expired' }]);
    expect({ position, first, next }).toEqual({ position: { epoch: EPOCH, offset: 9 }, first: 1, next: { before: { epoch: EPOCH, offset: 8 }, limit: 2 } });
  });

  it('of the inbox has no channel, and of what nobody knows there is none', async () => {
    const inbox = client.history(null);
    expect(await answer(told([3]))).toEqual({ inbox: true });
    expect((await inbox).entries[0]).toMatchObject({ channel: null, data: 3 });
    const unknown = client.history(CHANNEL);
    await answer({ first: 1, from: 1, to: 0, entries: [], more: false });
    expect(await unknown).toEqual({ entries: [], gaps: [], position: null, first: 1, next: null });
  });

  it('is refused as commands are', async () => {
    const page = client.history(CHANNEL);
    server.last.answer('history', { error: { code: 2003, name: 'forbidden', message: 'no', retry: false } });
    await expect(page).rejects.toMatchObject({ kind: 'forbidden' });
  });

  it('is paged through in either direction, as fast as the server wants', async () => {
    const seen: number[][] = [];
    const walk = (async () => {
      for await (const { entries } of pages<number>(client, CHANNEL, { since: { epoch: EPOCH, offset: 0 }, limit: 2 })) {
        seen.push(entries.map(({ data }) => data));
      }
    })();
    await answer(told([1, 2], { more: true }));
    server.last.answer('history', { error: { code: 2011, name: 'busy', message: 'read', retry: true, retry_after_ms: 400 } });
    await vi.advanceTimersByTimeAsync(399);
    expect(server.last.commands('history')).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(server.last.commands('history')).toHaveLength(3);
    expect(await answer(told([3, 4], { more: true }))).toMatchObject({ since: { epoch: EPOCH, offset: 2 }, limit: 2 });
    expect(await answer(told([5]))).toMatchObject({ since: { epoch: EPOCH, offset: 4 } });
    await walk;
    expect(seen).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('is given up when the server goes on to refuse', async () => {
    const walk = pages(client, CHANNEL).next();
    const failed = expect(walk).rejects.toMatchObject({ kind: 'busy' });
    for (let tries = 0; tries < 5; tries++) {
      server.last.answer('history', { error: { code: 2011, name: 'busy', message: 'read', retry: true } });
      await vi.advanceTimersByTimeAsync(1_000);
    }
    await failed;
    expect(server.last.commands('history')).toHaveLength(5);
  });
});

describe('a gap', () => {
  const gap = { channel: CHANNEL, epoch: EPOCH, from: 4, to: 8, reason: 'lost' };
  const all = async (): Promise<HistoryEntry[]> => {
    const found: HistoryEntry[] = [];
    for await (const entry of entriesIn(client, gap)) found.push(entry);
    return found;
  };

  it('is filled with what can still be had, and with nothing beyond it', async () => {
    const found = all();
    expect(await answer(told([5, 6], { more: true }))).toEqual({ channel: CHANNEL, since: { epoch: EPOCH, offset: 3 }, limit: 5 });
    await answer(told([8, 9], { more: true }));
    expect((await found).map(({ data }) => data)).toEqual([5, 6, 8]);
  });

  it('of what is gone ends at once', async () => {
    const found = all();
    await answer(told([9], { first: 9, more: true }));
    expect(await found).toEqual([]);
    const other = all();
    await answer(told([5], { epoch: '00000000000000cc', more: true }));
    expect(await other).toEqual([]);
    expect(server.last.commands('history')).toHaveLength(2);
  });

  it('is asked for by itself, until nobody wants it any more', async () => {
    const heard: unknown[] = [];
    const errors: string[] = [];
    client.onError(({ kind }) => void errors.push(kind));
    const end = fillGaps(client, (data, { position }) => void heard.push([data, position?.offset]));
    void client.subscribe(CHANNEL, { since: { epoch: EPOCH, offset: 3 } });
    await vi.advanceTimersByTimeAsync(0);
    server.last.answer('subscribe', { subscribed: { channel: CHANNEL, stream: 7, epoch: EPOCH, offset: 9, recovered: 'gap' } });
    const lost = { gap: { stream: 7, from: 4, to: 5, reason: 'lost' } };
    server.last.tell(lost);
    expect(await answer(told([4, 5]))).toMatchObject({ since: { epoch: EPOCH, offset: 3 }, limit: 2 });
    expect(heard).toEqual([[4, 4], [5, 5]]);
    server.last.tell({ gap: { stream: 7, from: 6, to: 6, reason: 'lost' } });
    await vi.advanceTimersByTimeAsync(0);
    server.last.answer('history', { error: { code: 2003, name: 'forbidden', message: 'no', retry: false } });
    await vi.advanceTimersByTimeAsync(0);
    expect(errors).toEqual(['forbidden']);
    end();
    server.last.tell({ gap: { stream: 7, from: 7, to: 7, reason: 'lost' } }, { gap: { stream: 7, from: 9, to: 8, reason: 'future' } });
    await vi.advanceTimersByTimeAsync(0);
    expect(server.last.commands('history')).toHaveLength(2);
  });
});
