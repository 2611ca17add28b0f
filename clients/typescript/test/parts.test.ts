import 'fake-indexeddb/auto';
import { describe, expect, it, vi } from 'vitest';
import { BUDGETS, sizeOf } from '../scripts/size.mjs';
import { Backoff } from '../src/backoff.ts';
import { indexedDb } from '../src/outbox/indexeddb.ts';
import { Outbox, type Command } from '../src/outbox/outbox.ts';
import { QualityMeter } from '../src/quality.ts';
import { Tokens } from '../src/tokens.ts';

describe('the package', () => {
  it.each(Object.entries(BUDGETS))('%s is small', (entry, most) => {
    expect(sizeOf(entry)).toBeLessThanOrEqual(most);
  });
});

describe('back-off', () => {
  it('is spread over everything below a bound that doubles, up to the most', () => {
    for (let round = 0; round < 50; round++) {
      const backoff = new Backoff({ firstMs: 100, mostMs: 1_000 });
      for (const bound of [100, 200, 400, 800, 1_000, 1_000]) {
        const pause = backoff.next();
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThanOrEqual(bound);
      }
      backoff.reset();
      expect(backoff.next(5_000)).toBeLessThanOrEqual(5_100);
    }
  });
});

describe('quality', () => {
  const samples = (meter: QualityMeter, ...all: (number | null)[]): void => all.forEach((ms) => meter.sample(ms));

  it('is judged from the first measurement on', () => {
    for (const [ms, quality] of [[20, 'EXCELLENT'], [180, 'GOOD'], [500, 'FAIR'], [2_000, 'POOR']] as const) {
      const meter = new QualityMeter();
      expect(meter.quality).toBe('OFFLINE');
      meter.sample(ms);
      expect(meter.quality).toBe(quality);
      expect(meter.averageMs).toBe(ms);
    }
  });

  it('does not flap: one bad measurement is none, two are', () => {
    const meter = new QualityMeter();
    samples(meter, 20, 21, 20, 22, 20, 21);
    samples(meter, 60);
    expect(meter.quality).toBe('EXCELLENT');
    samples(meter, 700, 700, 700);
    expect(meter.quality).not.toBe('EXCELLENT');
  });

  it('becomes better after three that say so', () => {
    const meter = new QualityMeter();
    samples(meter, 400, 400, 400);
    expect(meter.quality).toBe('FAIR');
    samples(meter, 200, 200);
    expect(meter.quality).toBe('FAIR');
    samples(meter, 200, 200);
    expect(meter.quality).toBe('GOOD');
  });

  it('sees losses and jitter', () => {
    const lossy = new QualityMeter();
    samples(lossy, ...Array.from({ length: 20 }, (_, at) => (at % 4 === 0 ? null : 20)));
    expect(lossy.quality).toBe('POOR');
    const jittery = new QualityMeter();
    samples(jittery, ...Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? 10 : 99)));
    expect(jittery.quality).toBe('FAIR');
  });

  it('is gone with the connection', () => {
    const meter = new QualityMeter();
    meter.sample(20);
    expect(meter.offline()).toBe(true);
    expect([meter.quality, meter.averageMs]).toEqual(['OFFLINE', null]);
  });
});

describe('tokens', () => {
  it('are got once for all who ask at the same time', async () => {
    let release = (_: string): void => {};
    const source = vi.fn(() => new Promise<string>((resolve) => (release = resolve)));
    const tokens = new Tokens(source);
    const all = [tokens.get(), tokens.renew(), tokens.get()];
    release('a');
    expect(await Promise.all(all)).toEqual(['a', 'a', 'a']);
    expect(source).toHaveBeenCalledTimes(1);
    expect(await tokens.get()).toBe('a');
    expect(source).toHaveBeenCalledTimes(1);
  });
});

describe('an outbox in IndexedDB', () => {
  const sent: unknown[] = [];
  const command: Command = (frame, answered) => {
    sent.push((frame['publish'] as { data: unknown }).data);
    answered({ published: { epoch: 'e', offset: sent.length, level: 'accepted' } });
  };

  it('outlives the page, and each publication is sent once', async () => {
    const first = new Outbox(indexedDb('outbox-test'), () => {});
    for (const data of [1, 2]) first.emit('publish', { channel: 'messaging:a', event: 'E', data });
    await vi.waitFor(async () => expect(await indexedDb('outbox-test').load()).toHaveLength(2));
    const second = new Outbox(indexedDb('outbox-test'), () => {});
    const third = second.emit('publish', { channel: 'messaging:a', event: 'E', data: 3 });
    second.open(command);
    await third;
    expect(sent).toEqual([1, 2, 3]);
    await vi.waitFor(async () => expect(await indexedDb('outbox-test').load()).toEqual([]));
  });
});
