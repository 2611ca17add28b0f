import { act, cleanup, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConnectionStatus, NotificationCenter, type NotificationStorage, type Notifications, useNotifications } from '../src/index.ts';
import { EPOCH, isAccessible, Stage } from './support.tsx';

let stage: Stage;
beforeEach(() => {
  localStorage.clear();
  stage = new Stage();
});
afterEach(() => {
  cleanup();
  stage.end();
});

const notify = (offset: number, data: unknown, from?: string): Promise<void> =>
  stage.entry(null, 'notification:new', data, { offset, namespace: 'notifications', ...(from === undefined ? {} : { from }) });
const reads = (): unknown[] => stage.sent('read').map((one) => (one as { offset: number }).offset);

describe('NotificationCenter', () => {
  it('counts what is unread, and goes all the way by keyboard', async () => {
    const chosen = vi.fn();
    const user = userEvent.setup();
    const { container } = stage.show(<NotificationCenter onSelect={chosen} />);
    await stage.online();
    await isAccessible(container);
    await notify(1, { title: 'Order', text: 'It has left' });
    await notify(2, 'plain');
    await notify(3, { odd: [1] });
    expect(screen.getByRole('button').getAttribute('aria-label')).toBe('Notifications, 3 unread');
    expect(container.querySelector('.tidings-notifications-badge')?.textContent).toBe('3');
    expect(screen.getByRole('status').textContent).toContain('New notification: {"odd":[1]}');

    await user.tab();
    await user.keyboard('{Enter}');
    expect(screen.getByRole('button', { expanded: true })).toBeTruthy();
    expect(screen.getByRole('region', { name: 'Notifications' })).toBeTruthy();
    expect(screen.getAllByRole('listitem').map((item) => item.textContent)).toEqual([
      expect.stringContaining('{"odd":[1]}'), expect.stringContaining('plain'), expect.stringContaining('Order: It has left'),
    ]);
    await isAccessible(container);
    await user.keyboard('{ArrowDown}{ArrowDown}{ArrowDown}{Enter}');
    expect(chosen).toHaveBeenCalledWith(expect.objectContaining({ data: { title: 'Order', text: 'It has left' } }));
    expect(reads()).toEqual([1]);
    await user.keyboard('{Escape}');
    expect(screen.queryByRole('list')).toBeNull();
    expect(document.activeElement).toBe(screen.getByRole('button'));
    expect(screen.getByRole('button').getAttribute('aria-label')).toBe('Notifications, 2 unread');
  });

  it('marks all as read, and closes when something else is pointed at', async () => {
    const user = userEvent.setup();
    const { container } = stage.show(<><NotificationCenter /><p>outside</p></>);
    await stage.online();
    await user.click(screen.getByRole('button'));
    expect(screen.getByText('Nothing yet.')).toBeTruthy();
    await notify(1, 'a');
    await notify(2, '<b>markup</b>');
    expect(container.querySelector('b')).toBeNull();
    await user.click(screen.getByRole('button', { name: 'Mark all as read' }));
    expect(container.querySelector('.tidings-notifications-badge')).toBeNull();
    expect(reads()).toEqual([2]);
    await user.click(screen.getByText('outside'));
    expect(screen.queryByRole('list')).toBeNull();
  });
});

describe('useNotifications', () => {
  let told: Notifications;
  const List = ({ storage }: { storage?: NotificationStorage | null }) => {
    told = useNotifications(storage === undefined ? {} : { storage });
    return null;
  };

  it('tells as read only what is read without a hole', async () => {
    stage.show(<List />);
    await stage.online();
    for (const offset of [1, 2, 3]) await notify(offset, offset);
    act(() => told.markRead(`${EPOCH}-2`));
    expect([told.unread, reads()]).toEqual([2, []]);
    act(() => told.markRead(`${EPOCH}-1`));
    expect([told.unread, reads()]).toEqual([1, [2]]);
  });

  it('hears what another device has read, and tells what was read without a connection', async () => {
    stage.show(<List />);
    await stage.online();
    for (const offset of [1, 2, 3]) await notify(offset, offset);
    await act(async () => stage.server.last.events.ended(1006, ''));
    act(() => told.markRead(`${EPOCH}-2`));
    await act(async () => stage.client.wake());
    await stage.online({ inbox: { stream: 1, epoch: EPOCH, offset: 3, delivered: 3, read: 1 } });
    expect([told.unread, reads()]).toEqual([1, [2]]);
  });

  it('keeps them beyond the page, and no more than it should', async () => {
    stage.show(<List />);
    await stage.online();
    for (let offset = 1; offset <= 101; offset++) await notify(offset, offset);
    act(() => told.markRead(`${EPOCH}-101`));
    cleanup();
    stage.end();
    stage = new Stage();
    stage.show(<List />);
    expect([told.notifications.length, told.unread, told.notifications[0]!.data]).toEqual([100, 99, 101]);
    act(() => told.remove(`${EPOCH}-100`));
    expect(told.notifications.map(({ data }) => data).slice(0, 2)).toEqual([101, 99]);
  });

  it('survives a storage that holds nonsense', () => {
    localStorage.setItem('tidings-notifications-alice', '{"not":"a list"');
    stage.show(<List />);
    expect(told.notifications).toEqual([]);
  });

  it('takes nothing from channels', async () => {
    stage.show(<List storage={null} />);
    await stage.online();
    await act(async () => void stage.client.subscribe('notifications:all'));
    await stage.joined('notifications:all');
    await stage.entry('notifications:all', 'notification:new', 'for everybody', { offset: 1 });
    expect(told.notifications).toEqual([]);
  });
});

describe('ConnectionStatus', () => {
  it('shows quality and milliseconds, and says aloud the status alone', async () => {
    const { container } = stage.show(<ConnectionStatus />);
    const chip = (): DOMStringMap => container.querySelector<HTMLElement>('.tidings-connection')!.dataset;
    expect({ ...chip() }).toEqual({ status: 'connecting', quality: 'OFFLINE' });
    await stage.online();
    stage.server.last.answer('ping', { pong: {} });
    await act(async () => {});
    expect({ ...chip() }).toEqual({ status: 'online', quality: 'EXCELLENT' });
    expect(container.textContent).toMatch(/Excellent[\d.]+ msOnline/);
    expect(screen.getByRole('status').textContent).toBe('Online');
    await isAccessible(container);
    await act(async () => stage.server.last.events.ended(1006, 'gone'));
    act(() => void stage.client.emit('messaging:a', 'E'));
    expect(container.textContent).toBe('Offline1 waitingOffline');
  });
});
