// One player for as long as the page lives: it waits for the stream, plays it, and goes on after
// whatever happens to it. hls.js in low-latency mode, or the browser's own HLS where there is no MSE.

import Hls, { ErrorTypes, Events, type ErrorData } from "hls.js";
import { probe, probeDelay, type Presence } from "./probe";

export type State =
  | "checking"      // first question to the server
  | "offline"       // no such stream now; it is asked for again
  | "ended"         // the broadcast is over; a new one starts by itself
  | "unreachable"   // the server does not answer
  | "starting"      // the stream is there, no picture yet
  | "playing"
  | "stalled"       // was playing, nothing comes
  | "unsupported";  // this browser can play neither

export interface Stats {
  latency: number | null;       // seconds behind the server's clock
  buffer: number;               // seconds
  bitrate: number | null;       // bits per second
  width: number;
  height: number;
  dropped: number;
  frames: number;
  rate: number;
}

const STALL_MS = 3000;
const GIVE_UP_MS = 8000;

let instances = 0;

export class LivePlayer {
  readonly id = ++instances;
  state: State = "checking";

  private hls: Hls | null = null;
  private timer: number | undefined;
  private watchdog: number | undefined;
  private attempt = 0;
  private recoveries = 0;
  private lastTime = -1;
  private lastMove = 0;
  private loaded = false;
  private gone = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly url: string,
    private readonly changed: (state: State) => void,
  ) {
    video.addEventListener("playing", this.onPlaying);
    video.addEventListener("ended", this.onEnded);
    this.watchdog = window.setInterval(this.watch, 500);
    void this.ask();
  }

  destroy(): void {
    this.gone = true;
    window.clearTimeout(this.timer);
    window.clearInterval(this.watchdog);
    this.video.removeEventListener("playing", this.onPlaying);
    this.video.removeEventListener("ended", this.onEnded);
    this.hls?.destroy();
    this.hls = null;
  }

  /** Seconds behind the newest moment the server has, by its own clock where it tells one. */
  latency(): number | null {
    if (this.hls) {
      const date = this.hls.playingDate;
      if (date) return Math.max(0, (Date.now() - date.getTime()) / 1000);
      return this.hls.latency || null;
    }
    const seekable = this.video.seekable;
    return seekable.length ? Math.max(0, seekable.end(seekable.length - 1) - this.video.currentTime) : null;
  }

  /** Further behind than the player would be by itself. */
  isBehind(): boolean {
    if (!this.hls) return false;
    const target = this.hls.liveSyncPosition;
    return target !== null && this.video.currentTime < target - 3;
  }

  goLive(): void {
    const target = this.hls?.liveSyncPosition;
    if (target) this.video.currentTime = target;
    void this.play();
  }

  stats(): Stats {
    const quality = this.video.getVideoPlaybackQuality?.();
    const level = this.hls && this.hls.currentLevel >= 0 ? this.hls.levels[this.hls.currentLevel] : undefined;
    return {
      latency: this.latency(),
      buffer: this.ahead(),
      bitrate: level?.averageBitrate || level?.bitrate || null,
      width: this.video.videoWidth,
      height: this.video.videoHeight,
      dropped: quality?.droppedVideoFrames ?? 0,
      frames: quality?.totalVideoFrames ?? 0,
      rate: this.video.playbackRate,
    };
  }

  private set(state: State): void {
    if (this.state === state || this.gone) return;
    this.state = state;
    this.changed(state);
  }

  private ahead(): number {
    const { buffered, currentTime } = this.video;
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= currentTime + 0.1 && buffered.end(i) >= currentTime) {
        return buffered.end(i) - currentTime;
      }
    }
    return 0;
  }

  private async ask(): Promise<void> {
    window.clearTimeout(this.timer);
    const presence: Presence = await probe(this.url);
    if (this.gone) return;

    if (presence === "live") {
      this.attempt = 0;
      this.load();
      return;
    }

    this.set(presence);
    this.timer = window.setTimeout(() => void this.ask(), probeDelay(this.attempt++));
  }

  private load(): void {
    this.set("starting");
    this.lastMove = performance.now();
    this.lastTime = -1;

    if (Hls.isSupported()) {
      this.hls ??= this.make();
      this.hls.loadSource(this.url);
      return;
    }

    if (this.video.canPlayType("application/vnd.apple.mpegurl")) {
      this.video.src = this.url;
      this.loaded = true;
      void this.play();
      return;
    }

    this.set("unsupported");
  }

  private make(): Hls {
    const hls = new Hls({
      lowLatencyMode: true,
      liveDurationInfinity: true,
      maxLiveSyncPlaybackRate: 1.1,
      backBufferLength: 20,
      maxBufferLength: 20,
    });

    hls.on(Events.MANIFEST_PARSED, () => {
      this.loaded = true;
      void this.play();
    });
    hls.on(Events.ERROR, (_event, data) => this.onError(data));
    hls.attachMedia(this.video);
    return hls;
  }

  /** Browsers let a page begin with sound only after a click: then it begins without. */
  private async play(): Promise<void> {
    try {
      await this.video.play();
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError" && !this.video.muted) {
        this.video.muted = true;
        await this.video.play().catch(() => undefined);
      }
    }
  }

  private onError(data: ErrorData): void {
    if (!data.fatal || !this.hls) return;

    if (data.type === ErrorTypes.MEDIA_ERROR && this.recoveries < 3) {
      this.recoveries++;
      window.setTimeout(() => { this.recoveries = Math.max(0, this.recoveries - 1); }, 10000);
      this.hls.recoverMediaError();
      return;
    }

    this.again();
  }

  /** Ask for the stream from the beginning, with the player that there is. */
  private again(): void {
    this.loaded = false;
    this.hls?.stopLoad();
    this.set("stalled");
    void this.ask();
  }

  private readonly onPlaying = (): void => {
    this.lastMove = performance.now();
    this.set("playing");
  };

  private readonly onEnded = (): void => {
    this.loaded = false;
    this.hls?.stopLoad();
    this.set("ended");
    void this.ask();
  };

  private readonly watch = (): void => {
    const { video } = this;
    const now = performance.now();

    if (!this.loaded || video.paused) {
      this.lastMove = now;
      return;
    }

    if (video.currentTime !== this.lastTime) {
      this.lastTime = video.currentTime;
      this.lastMove = now;
      this.set("playing");
      return;
    }

    const still = now - this.lastMove;

    if (still > STALL_MS) this.set("stalled");

    /* new parts behind a hole: over it */
    const target = this.hls?.liveSyncPosition;
    if (still > 1000 && target && target > video.currentTime + 0.5 && this.isBuffered(target)) {
      video.currentTime = target;
      return;
    }

    if (still > GIVE_UP_MS) {
      this.lastMove = now;
      this.again();
    }
  };

  private isBuffered(time: number): boolean {
    const { buffered } = this.video;
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= time && buffered.end(i) > time + 0.1) return true;
    }
    return false;
  }
}
