import { connect, type Tidings } from '@tidings/client';
import { act, render, type RenderResult } from '@testing-library/react';
import axe from 'axe-core';
import type { ReactNode } from 'react';
import { expect } from 'vitest';
import { FakeServer } from '../../typescript/test/support/fake.ts';
import { type Client, TidingsProvider } from '../src/index.ts';

export const EPOCH = '00000000000000aa';

/** A page of one user, and the server that it talks to. */
export class Stage {
  readonly server = new FakeServer();
  readonly client: Client = connect('alice', 'token', { url: 'http://server', device: 'd', transports: [this.server.transport()] });
  #stream = 1;
  readonly streams = new Map<string, number>();

  show(node: ReactNode): RenderResult {
    return render(<TidingsProvider client={this.client}>{node}</TidingsProvider>);
  }

  /** The session is there. */
  async online(fields: Record<string, unknown> = {}): Promise<void> {
    await act(async () => {
      while (this.server.links.length === 0) await Promise.resolve();
      this.server.last.admit(fields);
    });
  }

  /** Answers what joins a channel. */
  async joined(channel: string, recovered = 'none', offset = 0): Promise<void> {
    const number = ++this.#stream;
    this.streams.set(channel, number);
    const command = this.server.last.commands('subscribe').findLast((one) => (one['subscribe'] as { channel: string }).channel === channel);
    await this.tell({ id: command!.id!, subscribed: { channel, stream: number, epoch: EPOCH, offset, recovered: recovered as 'none' } });
  }

  async tell(...frames: Parameters<FakeServer['last']['tell']>): Promise<void> {
    await act(async () => this.server.last.tell(...frames));
  }

  async entry(channel: string | null, event: string, data: unknown, fields: Record<string, unknown> = {}): Promise<void> {
    const stream = channel === null ? 1 : this.streams.get(channel)!;
    await this.tell({ entry: { stream, event, data: data as null, at: 1_790_000_000_000, ...fields } });
  }

  sent(name: string): unknown[] {
    return this.server.last.commands(name).map((frame) => frame[name]);
  }

  end(): void {
    (this.client as Tidings).disconnect();
  }
}

/** No rule of axe-core is broken. */
export const isAccessible = async (element: Element): Promise<void> => {
  // What colours stand on each other only a browser knows.
  const { violations } = await axe.run(element, { rules: { 'color-contrast': { enabled: false }, region: { enabled: false } } });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)).toEqual([]);
};
