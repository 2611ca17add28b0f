import { act, cleanup, render, screen } from '@testing-library/react';
import { StrictMode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeServer } from '../../typescript/test/support/fake.ts';
import {
  type Channel,
  type ConnectionState,
  TidingsProvider,
  type Typing,
  useChannel,
  useConnection,
  useOwnPresence,
  usePresence,
  useTidings,
  useTyping,
} from '../src/index.ts';
import { EPOCH, Stage } from './support.tsx';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => {
  cleanup();
  stage.end();
  vi.useRealTimers();
});

describe('the provider', () => {
  it('makes a client and ends it, also where React does everything twice', async () => {
    const server = new FakeServer();
    const User = () => <p>{useTidings().user}</p>;
    const token = vi.fn(() => 'token');
    const page = (user: string) => (
      <StrictMode>
        <TidingsProvider user={user} token={() => token()} options={{ url: 'http://a', transports: [server.transport()] }} fallback={<p>wait</p>}>
          <User />
        </TidingsProvider>
      </StrictMode>
    );
    const shown = render(page('alice'));
    expect(screen.getByText('alice')).toBeTruthy();
    await act(async () => {});
    const first = server.last;
    // A token that is written in place is another function at each rendering, and no reason to connect anew.
    shown.rerender(page('alice'));
    await act(async () => {});
    expect(server.last).toBe(first);
    shown.rerender(page('bob'));
    await act(async () => {});
    expect(screen.getByText('bob')).toBeTruthy();
    expect([first.isClosed, server.last === first]).toEqual([true, false]);
    shown.unmount();
    expect(server.links.every((link) => link.isClosed)).toBe(true);
  });

  it('is missed by name', () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const Lonely = () => <p>{useTidings().user}</p>;
    expect(() => render(<Lonely />)).toThrow('TidingsProvider');
    error.mockRestore();
  });
});

describe('useChannel', () => {
  let channel: Channel<string>;
  const Room = ({ keep }: { keep?: number }) => {
    channel = useChannel<string>('messaging:a', { ...(keep === undefined ? {} : { keep }), wants: (event) => event === 'E' });
    return <p>{channel.entries.map(({ data }) => data).join(' ')}</p>;
  };

  it('joins, shows what comes, the newest last, and leaves', async () => {
    const shown = stage.show(<Room keep={2} />);
    await stage.online();
    expect(channel.status).toBe('joining');
    await stage.joined('messaging:a');
    expect(channel.status).toBe('joined');
    for (const [at, text] of ['one', 'two', 'three'].entries()) await stage.entry('messaging:a', 'E', text, { offset: at + 1, from: 'bob' });
    await stage.entry('messaging:a', 'OTHER', 'not wanted', { offset: 4 });
    expect(screen.getByText('two three')).toBeTruthy();
    expect(channel.entries[1]).toMatchObject({ id: `${EPOCH}-3`, from: 'bob', event: 'E', position: { epoch: EPOCH, offset: 3 } });
    shown.unmount();
    expect(stage.sent('unsubscribe')).toEqual([{ channel: 'messaging:a' }]);
  });

  it('misses nothing that comes with the answer, in StrictMode too', async () => {
    stage.show(<StrictMode><Room /></StrictMode>);
    await stage.online();
    const { id } = stage.server.last.commands('subscribe').at(-1)!;
    await stage.tell(
      { id: id!, subscribed: { channel: 'messaging:a', stream: 7, epoch: EPOCH, offset: 1, recovered: 'complete' } },
      { entry: { stream: 7, offset: 1, event: 'E', data: 'kept', at: 1 } },
      { gap: { stream: 7, from: 2, to: 3, reason: 'expired' } },
    );
    expect(screen.getByText('kept')).toBeTruthy();
    expect(channel.gaps).toMatchObject([{ from: 2, to: 3, reason: 'expired' }]);
  });

  it('shows what is on its way until it is answered, and what failed until it is dismissed', async () => {
    stage.show(<Room />);
    await stage.online();
    await stage.joined('messaging:a');
    act(() => void channel.emit('E', 'good', { wait: 'stored' }));
    act(() => void channel.emit('E', 'bad'));
    expect(channel.sending.map(({ state, body }) => [state, body['data']])).toEqual([['sent', 'good'], ['sent', 'bad']]);
    const [good, bad] = stage.server.last.commands('publish');
    await stage.tell({ id: good!.id!, published: { stream: 2, epoch: EPOCH, offset: 1, level: 'stored' } });
    await stage.tell({ id: bad!.id!, error: { code: 2003, name: 'forbidden', message: 'no', retry: false } });
    expect(channel.sending.map(({ state }) => state)).toEqual(['failed']);
    act(() => channel.dismiss(channel.sending[0]!));
    expect(channel.sending).toEqual([]);
  });

  it('tells why it may not, and that a right has ended', async () => {
    stage.show(<Room />);
    await stage.online();
    await stage.joined('messaging:a');
    await stage.tell({ unsubscribed: { channel: 'messaging:a', reason: 'forbidden' } });
    expect([channel.status, channel.error?.channel]).toEqual(['refused', 'messaging:a']);
    cleanup();
    stage.show(<Room />);
    stage.server.last.answer('subscribe', { error: { code: 2003, name: 'forbidden', message: 'not yours', retry: false } });
    await act(async () => {});
    expect([channel.status, channel.error?.kind]).toEqual(['refused', 'forbidden']);
  });
});

describe('useTyping', () => {
  let typing: Typing;
  const Room = () => {
    typing = useTyping('messaging:a');
    return <p>{typing.users.join(', ')}</p>;
  };
  const events = (): unknown[] => stage.sent('publish').map((one) => {
    const { channel, event, class: kind } = one as Record<string, unknown>;
    return [channel, event, kind];
  });

  it('says that this user types, not at every key, and that it has stopped', async () => {
    stage.show(<Room />);
    await stage.online();
    await stage.joined('realtime:a');
    vi.useFakeTimers();
    const [start, stop] = ['TYPING_START', 'TYPING_STOP'].map((event) => ['realtime:a', event, 'ephemeral']);
    for (let key = 0; key < 5; key++) typing.type();
    expect(events()).toEqual([start]);
    await vi.advanceTimersByTimeAsync(2_000);
    typing.type();
    expect(events()).toEqual([start, start]);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(events()).toEqual([start, start, stop]);
    typing.stop();
    expect(events()).toHaveLength(3);
  });

  it('shows the others, until they stop or fall silent', async () => {
    stage.show(<Room />);
    await stage.online();
    await stage.joined('realtime:a');
    vi.useFakeTimers();
    await stage.entry('realtime:a', 'TYPING_START', null, { from: 'bob' });
    await stage.entry('realtime:a', 'TYPING_START', null, { from: 'carol' });
    await stage.entry('realtime:a', 'TYPING_START', null, { from: 'alice' });
    expect(typing.users).toEqual(['bob', 'carol']);
    await stage.entry('realtime:a', 'TYPING_STOP', null, { from: 'bob' });
    expect(typing.users).toEqual(['carol']);
    await act(() => vi.advanceTimersByTimeAsync(6_000));
    expect(typing.users).toEqual([]);
  });
});

describe('usePresence', () => {
  it('follows one user, several, and oneself', async () => {
    let set: ReturnType<typeof useOwnPresence>[1];
    const Who = () => {
      const [own, setOwn] = useOwnPresence();
      set = setOwn;
      const both = usePresence(['bob', 'carol']);
      return <p>{[usePresence('bob')?.status, both.get('carol')?.status, both.size, own?.status].join(' ')}</p>;
    };
    const shown = stage.show(<Who />);
    await stage.online();
    await stage.tell({ status: { user: 'bob', status: 'online', reason: 'connected' } }, { status: { user: 'alice', status: 'busy', reason: 'set' } });
    await stage.tell({ status: { user: 'carol', status: 'offline', reason: 'left', last_seen: 5 } });
    expect(shown.container.textContent).toBe('online offline 2 busy');
    const said = set!({ status: 'away' });
    expect(stage.sent('presence')).toEqual([{ status: 'away' }]);
    stage.server.last.answer('presence', { presence: { user: 'alice', status: 'away', reason: 'set' } });
    await said;
    shown.unmount();
    const left = stage.sent('unwatch').flatMap((one) => (one as { users: string[] }).users);
    expect(left.sort()).toEqual(['alice', 'bob', 'carol']);
  });
});

describe('useConnection', () => {
  it('tells each change, and is the same object while there is none', async () => {
    const states: ConnectionState[] = [];
    const Line = () => {
      states.push(useConnection());
      return null;
    };
    stage.show(<Line />);
    expect(states.at(-1)).toMatchObject({ status: 'connecting', quality: 'OFFLINE', latencyMs: null, waiting: 0 });
    await stage.online();
    stage.server.last.answer('ping', { pong: {} });
    await act(async () => {});
    expect(states.at(-1)).toMatchObject({ status: 'online', quality: 'EXCELLENT', transport: 'websocket' });
    expect(states.at(-1)!.latencyMs).toBeTypeOf('number');
    const rendered = states.length;
    await act(async () => {});
    expect(states).toHaveLength(rendered);
    await act(async () => stage.server.last.events.ended(1006, 'gone'));
    act(() => void stage.client.emit('messaging:a', 'E'));
    expect(states.at(-1)).toMatchObject({ status: 'offline', quality: 'OFFLINE', waiting: 1, code: 1006 });
    expect(states.at(-1)!.retryInMs).toBeTypeOf('number');
  });
});
