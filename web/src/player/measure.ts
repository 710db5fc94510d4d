// What the player can say about itself in numbers.

/** Bits per second of what was loaded, over the last seconds of media of each kind. */
export class BitRate {
  private readonly kinds = new Map<string, { bytes: number; seconds: number }[]>();

  constructor(private readonly window = 10) {}

  add(kind: string, bytes: number, seconds: number): void {
    if (!(seconds > 0) || !(bytes >= 0)) return;
    const list = this.kinds.get(kind) ?? [];
    this.kinds.set(kind, list);
    list.push({ bytes, seconds });

    let sum = list.reduce((total, item) => total + item.seconds, 0);
    for (let first = list[0]; first && list.length > 1 && sum - first.seconds >= this.window; first = list[0]) {
      sum -= first.seconds;
      list.shift();
    }
  }

  get(): number | null {
    let total = 0;
    for (const list of this.kinds.values()) {
      const bytes = list.reduce((sum, item) => sum + item.bytes, 0);
      const seconds = list.reduce((sum, item) => sum + item.seconds, 0);
      total += (8 * bytes) / seconds;
    }
    return total > 0 ? total : null;
  }

  clear(): void {
    this.kinds.clear();
  }
}

/**
 * How this device's clock stands to the server's. A playlist that was waited for is
 * answered at the moment its newest part ends, so the smallest lag seen between
 * the two is the clocks' difference and the way of the answer. Below a second it
 * is left alone: it may as well be the network.
 */
export class ServerClock {
  private readonly lags: number[] = [];

  /** edge: the date of the playlist's end; now: this device's. Milliseconds. */
  add(edge: number, now: number): void {
    if (!Number.isFinite(edge)) return;
    this.lags.push(now - edge);
    if (this.lags.length > 40) this.lags.shift();
  }

  offset(): number {
    if (this.lags.length === 0) return 0;
    const lag = Math.min(...this.lags);
    return Math.abs(lag) < 1000 ? 0 : lag;
  }

  /** Seconds since the server's clock showed this date. */
  since(date: number, now: number): number {
    return Math.max(0, (now - this.offset() - date) / 1000);
  }

  clear(): void {
    this.lags.length = 0;
  }
}

const LONGEST_MS = 60 * 24 * 3600 * 1000;

/**
 * When a broadcast began: its epoch, which each of its media URLs holds, is the time in
 * milliseconds in base 36 and four characters of chance. null when that gives
 * no sensible date.
 */
export function beginOf(url: string, now: number): number | null {
  const match = /\/([0-9a-z]{7,9})[0-9a-z]{4}-(?:init)?\d[^/]*$/.exec(url.replace(/[?#].*$/, ""));
  if (!match?.[1]) return null;
  const date = parseInt(match[1], 36);
  return date > now - LONGEST_MS && date < now + 3600 * 1000 ? date : null;
}

/** 4:05, 1:02:03 */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(s / 3600);
  const rest = `${hours ? two(Math.floor(s / 60) % 60) : Math.floor(s / 60)}:${two(s % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}
