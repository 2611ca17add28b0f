/** How good a connection is. */
export type Quality = 'EXCELLENT' | 'GOOD' | 'FAIR' | 'POOR' | 'OFFLINE';

/** The worst that still counts as this, in milliseconds there and back and of jitter, and in parts lost. */
const BOUNDS: readonly (readonly [Quality, number, number, number])[] = [
  ['EXCELLENT', 100, 30, 0],
  ['GOOD', 250, 75, 0.02],
  ['FAIR', 600, 200, 0.1],
];

/** How many measurements are looked at. */
const WINDOW = 20;

/** How many in a row have to say so before it is called better, and worse. */
const BETTER_AFTER = 3;
const WORSE_AFTER = 2;

/**
 * Judges a connection by the time there and back of pings, their jitter (the mean difference between one and the next,
 * RFC 3550 section 6.4.1 in spirit) and how many stayed unanswered.
 */
export class QualityMeter {
  /** Milliseconds there and back; `null` for one that was lost. */
  #samples: (number | null)[] = [];
  #current: Quality = 'OFFLINE';
  #candidate: Quality = 'OFFLINE';
  #times = 0;

  get quality(): Quality {
    return this.#current;
  }

  /** The mean of the last measurements in milliseconds, `null` while there is none. */
  get averageMs(): number | null {
    const heard = this.#heard();
    return heard.length === 0 ? null : heard.reduce((sum, ms) => sum + ms, 0) / heard.length;
  }

  get jitterMs(): number {
    const heard = this.#heard();
    let sum = 0;
    for (let at = 1; at < heard.length; at++) sum += Math.abs(heard[at]! - heard[at - 1]!);
    return heard.length < 2 ? 0 : sum / (heard.length - 1);
  }

  /** Takes one measurement. True when the quality is another now. */
  sample(ms: number | null): boolean {
    this.#samples.push(ms);
    if (this.#samples.length > WINDOW) this.#samples.shift();
    const seen = this.#judge();
    if (this.#current === 'OFFLINE') return this.#become(seen);
    if (seen === this.#current) {
      this.#times = 0;
      return false;
    }
    // Steps in the same direction count together.
    const better = rank(seen) < rank(this.#current);
    if (this.#times === 0 || better !== rank(this.#candidate) < rank(this.#current)) this.#times = 0;
    this.#candidate = seen;
    this.#times += 1;
    return this.#times >= (better ? BETTER_AFTER : WORSE_AFTER) && this.#become(seen);
  }

  /** The connection is gone. */
  offline(): boolean {
    this.#samples = [];
    return this.#become('OFFLINE');
  }

  #become(quality: Quality): boolean {
    const other = quality !== this.#current;
    this.#current = quality;
    this.#times = 0;
    return other;
  }

  /** By the newest few for time, so that a change is seen, and by all of them for losses. */
  #judge(): Quality {
    const newest = this.#samples.slice(-3).filter((ms) => ms !== null);
    if (newest.length === 0) return 'POOR';
    const median = [...newest].sort((a, b) => a - b)[newest.length >> 1]!;
    const lost = this.#samples.filter((ms) => ms === null).length / this.#samples.length;
    const jitter = this.jitterMs;
    const fits = BOUNDS.find(([, ms, jitterMs, losses]) => median <= ms && jitter <= jitterMs && lost <= losses);
    return fits?.[0] ?? 'POOR';
  }

  #heard(): number[] {
    return this.#samples.filter((ms) => ms !== null);
  }
}

const ORDER: readonly Quality[] = ['EXCELLENT', 'GOOD', 'FAIR', 'POOR', 'OFFLINE'];
const rank = (quality: Quality): number => ORDER.indexOf(quality);
