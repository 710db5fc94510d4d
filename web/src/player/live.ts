// One player for as long as the page lives: carries out what machine.ts decides, with hls.js
// in low-latency mode, or with the browser's own HLS where there are no Media Source Extensions.

import Hls, {
  ErrorDetails, ErrorTypes, Events, type ErrorData, type HlsConfig, type LoaderCallbacks, type LoaderConfiguration,
  type LoaderContext, type PlaylistLoaderContext, type RetryConfig,
} from "hls.js";
import { start, step, type Effect, type Event, type Fault, type Model, type State } from "./machine";
import { BitRate, beginOf, ServerClock } from "./measure";
import { ask } from "./presence";
import { without } from "./tracks";

export interface Stats {
  latency: number | null;       // seconds behind the server
  target: number | null;        // seconds that the server and the player aim at
  buffer: number;               // seconds
  bitrate: number | null;       // bits per second, measured
  width: number;
  height: number;
  fps: number | null;
  codecs: string | null;
  dropped: number;
  frames: number;
  rate: number;
  engine: string;
}

const TICK_MS = 250;
const BEHIND = 3;

/* A stream that is gone is answered 404 or 410: not asked for again by the engine, but by us. */
function patient(retry: RetryConfig): RetryConfig {
  return {
    ...retry,
    shouldRetry: (_config, _count, isTimeout, response) =>
      isTimeout || !response?.code || response.code >= 500,
  };
}

/* The server holds a playlist request for up to three target durations before it says 503. */
const CONFIG: Partial<HlsConfig> = {
  lowLatencyMode: true,
  liveDurationInfinity: true,
  maxLiveSyncPlaybackRate: 1.1,
  backBufferLength: 30,
  maxBufferLength: 20,
  playlistLoadPolicy: {
    default: {
      maxTimeToFirstByteMs: 20000,
      maxLoadTimeMs: 30000,
      timeoutRetry: patient({ maxNumRetry: 1e6, retryDelayMs: 0, maxRetryDelayMs: 0 }),
      errorRetry: patient({ maxNumRetry: 1e6, retryDelayMs: 700, maxRetryDelayMs: 700, backoff: "linear" }),
    },
  },
  fragLoadPolicy: {
    default: {
      maxTimeToFirstByteMs: 8000,
      maxLoadTimeMs: 20000,
      timeoutRetry: patient({ maxNumRetry: 1e6, retryDelayMs: 0, maxRetryDelayMs: 0 }),
      errorRetry: patient({ maxNumRetry: 1e6, retryDelayMs: 500, maxRetryDelayMs: 2000 }),
    },
  },
};

let instances = 0;

export class LivePlayer {
  /** Different for each player that a page has had. */
  readonly id = ++instances;
  /** How many engines it has used. */
  engines = 0;

  private model: Model = start();
  private hls: Hls | null = null;
  private isNative = false;
  private wanted = true;
  private attaching = false;
  private timer: number | undefined;
  private question = 0;
  private gone = false;
  private began: number | null = null;
  private readonly ticker: number;
  private readonly rate = new BitRate();
  private readonly server = new ServerClock();
  private readonly releases: (() => void)[] = [];

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly url: string,
    private readonly changed: () => void,
  ) {
    const on = <T extends EventTarget>(target: T, name: string, handler: () => void) => {
      target.addEventListener(name, handler);
      this.releases.push(() => target.removeEventListener(name, handler));
    };

    on(video, "ended", () => this.send({ kind: "finished" }));
    on(video, "play", () => this.want(true));
    on(video, "pause", () => this.onPause());
    on(video, "error", () => { if (this.isNative) this.send({ kind: "failed", fault: "network" }); });
    on(window, "online", () => this.send({ kind: "wake" }));
    on(document, "visibilitychange", () => { if (!document.hidden) this.send({ kind: "wake" }); });

    const supported = Hls.isSupported();
    this.isNative = !supported && video.canPlayType("application/vnd.apple.mpegurl") !== "";
    this.ticker = window.setInterval(() => this.tick(), TICK_MS);
    this.send({ kind: "begin", supported: supported || this.isNative });
  }

  destroy(): void {
    this.gone = true;
    window.clearTimeout(this.timer);
    window.clearInterval(this.ticker);
    for (const release of this.releases) release();
    this.hls?.destroy();
    this.hls = null;
  }

  get state(): State {
    return this.model.state;
  }

  /** The viewer (or the browser, where it lets nothing begin by itself) has paused. */
  get paused(): boolean {
    return !this.wanted;
  }

  play(): void {
    this.want(true);
    if (this.model.loaded) void this.begin();
  }

  pause(): void {
    this.want(false);
    this.video.pause();
  }

  /** To the newest picture, playing. */
  goLive(): void {
    const target = this.edge();
    if (target !== null) this.video.currentTime = target;
    this.play();
  }

  /** Ask for the stream now and not when it is due. */
  tryNow(): void {
    this.send({ kind: "wake" });
  }

  /** Further behind than the player would be by itself. */
  isBehind(): boolean {
    if (this.isNative) {
      const edge = this.edge();
      return edge !== null && this.video.currentTime < edge - BEHIND;
    }

    const latency = this.latency();
    const target = this.hls?.targetLatency;
    return latency !== null && target != null && latency > target + BEHIND;
  }

  /** Seconds behind the server, whose clock stands in the playlists; null when not playing. */
  latency(): number | null {
    if (!this.model.loaded || !this.model.played) return null;
    const now = Date.now();
    const date = this.isNative ? this.nativeDate() : this.hls?.playingDate?.getTime();
    if (date != null && Number.isFinite(date)) return this.server.since(date, now);

    /* without a date: behind the newest that is known here */
    const edge = this.isNative ? this.edge() : null;
    return edge === null ? this.hls?.latency || null : Math.max(0, edge - this.video.currentTime);
  }

  /** When the broadcast began, milliseconds since 1970 on this device's clock; null: not known. */
  beginning(): number | null {
    return this.began === null ? null : this.began + this.server.offset();
  }

  stats(): Stats {
    const { video, hls } = this;
    const quality = video.getVideoPlaybackQuality?.();
    const level = hls && hls.currentLevel >= 0 ? hls.levels[hls.currentLevel] : undefined;
    return {
      latency: this.latency(),
      target: hls?.targetLatency ?? null,
      buffer: this.ahead(),
      bitrate: this.rate.get() ?? level?.averageBitrate ?? null,
      width: video.videoWidth,
      height: video.videoHeight,
      fps: level?.frameRate || null,
      codecs: level ? [level.videoCodec, level.audioCodec].filter(Boolean).join(", ") || null : null,
      dropped: quality?.droppedVideoFrames ?? 0,
      frames: quality?.totalVideoFrames ?? 0,
      rate: video.playbackRate,
      engine: this.isNative ? "the browser’s own HLS" : `hls.js ${Hls.version}`,
    };
  }

  private send(event: Event): void {
    if (this.gone) return;
    const before = this.model;
    const [model, effects] = step(before, event, performance.now());
    this.model = model;
    for (const effect of effects) this.carryOut(effect);
    if (model.state !== before.state) this.changed();
  }

  private carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "ask":
        window.clearTimeout(this.timer);
        this.timer = window.setTimeout(() => void this.ask(), effect.after);
        break;
      case "load":
        this.load();
        break;
      case "resume":
        if (this.hls) this.hls.startLoad(-1);
        else this.load();
        break;
      case "recover":
        this.attaching = true;
        if (this.hls) this.hls.recoverMediaError();
        else this.load();
        break;
      case "rebuild":
        this.hls?.destroy();
        this.hls = null;
        break;
      case "unload":
        this.hls?.stopLoad();
        this.video.playbackRate = 1;
        break;
      case "seek":
        this.video.currentTime = effect.to;
        break;
      case "hold":
        if (!this.isNative) this.video.playbackRate = 0;
        break;
      case "release":
        if (this.video.playbackRate === 0) this.video.playbackRate = 1;
        break;
    }
  }

  private async ask(): Promise<void> {
    const question = ++this.question;
    const answer = await ask(this.url);
    if (question === this.question) this.send({ kind: "answer", answer });
  }

  private load(): void {
    this.attaching = true;
    this.video.playbackRate = 1;
    this.rate.clear();
    this.server.clear();
    this.began = null;

    if (this.isNative) {
      this.video.src = this.url;
      this.video.load();
      void this.begin();
      return;
    }

    this.hls ??= this.engine();
    this.hls.loadSource(this.url);
  }

  private engine(): Hls {
    /* ?debug in the page's address: what the engine does, on the browser's console */
    const debug = new URLSearchParams(location.search).has("debug");
    const hls = new Hls({ ...CONFIG, debug, pLoader: this.playlists() });
    this.engines++;

    /* attached anew, or only loaded anew */
    hls.on(Events.MEDIA_ATTACHED, () => void this.begin());
    hls.on(Events.MANIFEST_PARSED, () => void this.begin());
    hls.on(Events.ERROR, (_event, data) => this.onError(data));

    hls.on(Events.FRAG_LOADED, (_event, { frag, part, payload }) => {
      this.rate.add(frag.type, payload.byteLength, part ? part.duration : frag.duration);
      this.began ??= beginOf(frag.url, Date.now());
    });

    hls.on(Events.LEVEL_UPDATED, (_event, { details }) => {
      const last = details.fragments[details.fragments.length - 1];
      if (details.advanced && last?.programDateTime != null) {
        this.server.add(last.programDateTime + (details.edge - last.start) * 1000, Date.now());
      }
    });

    hls.attachMedia(this.video);
    return hls;
  }

  /** A loader of playlists that leaves out the track that has stopped. */
  private playlists(): HlsConfig["pLoader"] {
    const missing = () => this.model.missing;

    return class extends Hls.DefaultConfig.loader {
      load(context: LoaderContext, config: LoaderConfiguration, callbacks: LoaderCallbacks<LoaderContext>): void {
        const kind = missing();
        if (kind === null || (context as PlaylistLoaderContext).type !== "manifest") {
          super.load(context, config, callbacks);
          return;
        }
        super.load(context, config, {
          ...callbacks,
          onSuccess: (response, stats, ctx, details) => {
            const data = typeof response.data === "string" ? without(response.data, kind) : response.data;
            callbacks.onSuccess({ ...response, data }, stats, ctx, details);
          },
        });
      }
    } as HlsConfig["pLoader"];
  }

  /** Browsers let a page begin with sound only after a click: then it begins without. */
  private async begin(): Promise<void> {
    this.attaching = false;
    if (!this.wanted || this.gone) return;
    try {
      await this.video.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return;
      if (this.video.muted) {
        this.want(false);
      } else {
        this.video.muted = true;
        await this.begin();
      }
    }
  }

  private want(wanted: boolean): void {
    if (this.wanted === wanted) return;
    this.wanted = wanted;
    this.changed();
  }

  /* a pause that nobody asked for comes with the end, and with new media in the element */
  private onPause(): void {
    if (!this.video.ended && !this.attaching && this.model.loaded) this.want(false);
  }

  /* not from within the engine's own event: the answer may be to destroy it */
  private onError(data: ErrorData): void {
    if (data.fatal) window.setTimeout(() => this.send({ kind: "failed", fault: faultOf(data) }), 0);
  }

  private tick(): void {
    const { video } = this;
    this.send({
      kind: "tick",
      time: video.currentTime,
      flowing: video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && !video.seeking,
      paused: !this.wanted,
      ahead: this.ahead(),
      cushion: Math.min(1, Math.max(0.3, (this.hls?.targetLatency ?? 1.5) / 1.5)),
      jump: this.isNative ? null : this.jump(),
      live: this.isNative ? null : this.edge(),
    });
  }

  private edge(): number | null {
    if (!this.isNative) return this.hls?.liveSyncPosition ?? null;
    const { seekable } = this.video;
    return seekable.length ? seekable.end(seekable.length - 1) : null;
  }

  private nativeDate(): number | null {
    const video = this.video as HTMLVideoElement & { getStartDate?: () => Date };
    const began = video.getStartDate?.().getTime();
    return began === undefined ? null : began + video.currentTime * 1000;
  }

  private ahead(): number {
    const { buffered, currentTime } = this.video;
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= currentTime + 0.1 && buffered.end(i) > currentTime) return buffered.end(i) - currentTime;
    }
    return 0;
  }

  private jump(): number | null {
    const { buffered, currentTime } = this.video;
    if (this.ahead() > 0.2) return null;
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) > currentTime && buffered.end(i) - buffered.start(i) > 0.3) return buffered.start(i) + 0.05;
    }
    return null;
  }
}

function faultOf(data: ErrorData): Fault {
  switch (data.details) {
    case ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR:
    case ErrorDetails.BUFFER_INCOMPATIBLE_CODECS_ERROR:
    case ErrorDetails.BUFFER_ADD_CODEC_ERROR:
      return "codec";
    default:
  }

  switch (data.type) {
    case ErrorTypes.MEDIA_ERROR: return "media";
    case ErrorTypes.NETWORK_ERROR: return "network";
    default: return "other";
  }
}
