import { json, type LinkEvents, type Transport } from '@tidings/client';
import { describe, expect, it, vi } from 'vitest';
import { linkOf, pasted } from '../src/identity.ts';
import { messageOf } from '../src/message.ts';
import { advance, fateOf, progressOf } from '../src/receipts.ts';
import { Wire } from '../src/wire.ts';

const at = (offset: number, epoch = 'a') => ({ epoch, offset });

describe('receipts', () => {
  it('only go forward, and begin anew in another life of the channel', () => {
    let progress = advance(null, at(3), false);
    expect(progress).toEqual({ epoch: 'a', delivered: 3, read: 0 });
    progress = advance(progress, at(5), true);
    progress = advance(progress, at(4), true);
    expect(progress).toEqual({ epoch: 'a', delivered: 5, read: 5 });
    expect(advance(progress, at(1, 'b'), false)).toEqual({ epoch: 'b', delivered: 1, read: 0 });
  });

  it('tell of a message the furthest that anybody has come', () => {
    const others = [{ epoch: 'a', delivered: 5, read: 2 }, { epoch: 'b', delivered: 9, read: 9 }];
    expect([2, 5, 6].map((offset) => fateOf(at(offset), others))).toEqual(['read', 'delivered', 'stored']);
  });

  it('are believed in no other form', () => {
    for (const nonsense of [null, 'a', {}, [], { epoch: 1, delivered: 1, read: 1 }, { epoch: 'a', delivered: -1, read: 0 }, { epoch: 'a', delivered: 1.5, read: 0 }]) {
      expect(progressOf(nonsense)).toBeNull();
    }
    expect(progressOf({ epoch: 'a', delivered: 2, read: 1, more: true })).toEqual({ epoch: 'a', delivered: 2, read: 1 });
  });
});

describe('messages', () => {
  it('are shown, whatever somebody published', () => {
    expect(messageOf({ id: 'x', text: 'hi' })).toEqual({ id: 'x', text: 'hi' });
    expect([null, 1n, 'plain', { text: 5 }, [1]].map((data) => messageOf(data).text)).toEqual(['null', '"1"', '"plain"', '{"text":5}', '[1]']);
  });
});

describe('who this window is', () => {
  it('stands in the token', () => {
    const token = (payload: object): string => `x.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.y`;
    expect(pasted(token({ sub: 'zoë 🦀' }))).toMatchObject({ user: 'zoë 🦀' });
    for (const nonsense of ['', 'x', 'x.y.z', token({}), token({ sub: 1 })]) expect(() => pasted(nonsense)).toThrow('This is no token');
  });

  it('stands behind the # of a link, which is sent to nobody', () => {
    expect(linkOf('k', 'bob')).toBe('/#key=k&user=bob');
  });
});

describe('the wire', () => {
  const opened: { events: LinkEvents; close: ReturnType<typeof vi.fn> }[] = [];
  const inner = (name: Transport['name']): Transport => ({
    name,
    available: () => true,
    open: (_url, _hello, _codec, events) => {
      const close = vi.fn();
      opened.push({ events, close });
      return { send: () => {}, close };
    },
  });
  const events = () => ({ opened: vi.fn(), received: vi.fn(), ended: vi.fn() });
  const open = (wire: Wire, name: Transport['name'], told = events()) => {
    const link = wire.over(inner(name)).open('', [{ id: 0, connect: { token: 'a secret thing', resume: { secret: 'another' } } }], json, told);
    return { link, told };
  };

  it('is cut and mended, and ends each link once', async () => {
    const wire = new Wire();
    const [ws, sse] = [open(wire, 'websocket'), open(wire, 'sse')];
    wire.block(true);
    expect([ws.told.ended.mock.calls.length, sse.told.ended.mock.calls.length]).toEqual([1, 0]);
    wire.cut(true);
    wire.cut(true);
    expect([ws.told.ended.mock.calls.length, sse.told.ended.mock.calls.length]).toEqual([1, 1]);
    const before = opened.length;
    const refused = open(wire, 'sse');
    await vi.waitFor(() => expect(refused.told.ended).toHaveBeenCalledWith(1006, 'this window is offline'));
    wire.cut(false);
    open(wire, 'sse');
    const blocked = open(wire, 'websocket');
    await vi.waitFor(() => expect(blocked.told.ended).toHaveBeenCalledTimes(1));
    expect(opened.length - before).toBe(1);
  });

  it('is seen, but for what proves who somebody is, and only the newest of it', () => {
    const wire = new Wire();
    const { told } = open(wire, 'websocket');
    const { events: up } = opened.at(-1)!;
    up.received([{ connected: { session: 's', secret: 'a third' } as never }]);
    expect(told.received).toHaveBeenCalledTimes(1);
    expect(wire.seen.map(({ isUp, name }) => [isUp, name])).toEqual([[true, 'connect'], [false, 'connected']]);
    expect(wire.seen.map(({ text }) => text).join()).not.toMatch(/secret thing|another|a third/);
    for (let count = 0; count < 500; count++) up.received([{ pong: {} }]);
    expect(wire.seen).toHaveLength(200);
    wire.clear();
    expect(wire.seen).toEqual([]);
  });
});
