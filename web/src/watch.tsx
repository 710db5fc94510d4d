import { useCallback, useEffect, useRef, useState } from "react";
import { LivePlayer, type State, type Stats } from "./player";

declare global {
  interface Window {
    /** For tests and the curious. */
    __live?: { player: LivePlayer; video: HTMLVideoElement };
  }
}

const MESSAGES: Record<Exclude<State, "playing">, { title: string; text: string }> = {
  checking: { title: "One moment", text: "Looking for the stream." },
  offline: { title: "Offline", text: "Nobody is broadcasting here now. The stream will start by itself." },
  ended: { title: "The broadcast has ended", text: "If it goes on, it will start by itself." },
  unreachable: { title: "The server cannot be reached", text: "Check your connection. Trying again by itself." },
  starting: { title: "Starting", text: "The stream is here; the picture follows." },
  stalled: { title: "Waiting for the broadcaster", text: "Nothing new has come for a few seconds. It goes on by itself." },
  unsupported: { title: "This browser cannot play live video", text: "It has neither Media Source Extensions nor HLS. A current browser can." },
};

const KEYS: [string, string][] = [
  ["Space or K", "play or pause"],
  ["M", "sound on or off"],
  ["↑ ↓", "volume"],
  ["F", "full screen"],
  ["L", "to the live edge"],
  ["I", "statistics"],
  ["?", "this help"],
];

function describe(stats: Stats): [string, string][] {
  return [
    ["Latency", stats.latency === null ? "–" : `${stats.latency.toFixed(1)} s`],
    ["Buffer", `${stats.buffer.toFixed(1)} s`],
    ["Bit rate", stats.bitrate === null ? "–" : `${(stats.bitrate / 1e6).toFixed(2)} Mb/s`],
    ["Picture", stats.width ? `${stats.width} × ${stats.height}` : "–"],
    ["Dropped frames", `${stats.dropped} of ${stats.frames}`],
    ["Speed", `${stats.rate.toFixed(2)} ×`],
  ];
}

export function Watch({ stream }: { stream: string }) {
  const frame = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const player = useRef<LivePlayer | null>(null);

  const [state, setState] = useState<State>("checking");
  const [paused, setPaused] = useState(true);
  const [muted, setMuted] = useState(false);
  const [volume, setVolume] = useState(1);
  const [behind, setBehind] = useState(false);
  const [help, setHelp] = useState(false);
  const [shown, setShown] = useState(false);
  const [stats, setStats] = useState<Stats | null>(null);

  useEffect(() => {
    document.title = `${stream} – live`;
    const element = video.current;
    if (!element) return;

    const live = new LivePlayer(element, `/live/${encodeURIComponent(stream)}/index.m3u8`, setState);
    player.current = live;
    window.__live = { player: live, video: element };

    const timer = window.setInterval(() => {
      setStats(live.stats());
      setBehind(live.isBehind());
    }, 500);

    return () => {
      window.clearInterval(timer);
      live.destroy();
      player.current = null;
      delete window.__live;
    };
  }, [stream]);

  const toggle = useCallback(() => {
    const v = video.current;
    if (!v) return;
    if (v.paused) player.current?.goLive();
    else v.pause();
  }, []);

  const mute = useCallback(() => {
    const v = video.current;
    if (v) v.muted = !v.muted;
  }, []);

  const louder = useCallback((step: number) => {
    const v = video.current;
    if (!v) return;
    v.volume = Math.min(1, Math.max(0, v.volume + step));
    if (step > 0) v.muted = false;
  }, []);

  const fullscreen = useCallback(() => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void frame.current?.requestFullscreen?.().catch(() => undefined);
  }, []);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement;
      const onControl = target.closest("button, input, a") !== null;
      const actions: Record<string, () => void> = {
        " ": toggle, k: toggle, m: mute, f: fullscreen,
        l: () => player.current?.goLive(),
        i: () => setShown((s) => !s),
        "?": () => setHelp((h) => !h),
        ArrowUp: () => louder(0.1), ArrowDown: () => louder(-0.1),
        Escape: () => setHelp(false),
      };
      /* a focused button or slider keeps its own keys */
      if (onControl && (event.key === " " || event.key.startsWith("Arrow"))) return;
      const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [toggle, mute, fullscreen, louder]);

  const message = state === "playing" ? null : MESSAGES[state];
  const live = state === "playing" && !behind;
  const pip = document.pictureInPictureEnabled;

  return (
    <main className="watch">
      <div className="frame" ref={frame}>
        <video
          ref={video}
          playsInline
          aria-label={`Live stream ${stream}`}
          onClick={toggle}
          onPlay={() => setPaused(false)}
          onPause={() => setPaused(true)}
          onVolumeChange={(e) => { setMuted(e.currentTarget.muted); setVolume(e.currentTarget.volume); }}
        />

        {message && (
          <div className={`message ${state}`} role="status" aria-live="polite">
            {(state === "starting" || state === "checking" || state === "stalled") && <div className="spinner" aria-hidden="true" />}
            <p className="title">{message.title}</p>
            <p>{message.text}</p>
          </div>
        )}

        {muted && state === "playing" && (
          <button className="unmute" onClick={mute}>Sound is off – turn it on</button>
        )}

        {shown && stats && (
          <dl className="stats" aria-label="Statistics">
            {describe(stats).map(([name, value]) => (
              <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
            ))}
          </dl>
        )}

        <div className="controls" role="group" aria-label="Player controls">
          <button onClick={toggle} aria-label={paused ? "Play" : "Pause"} title={paused ? "Play (K)" : "Pause (K)"}>
            <Icon name={paused ? "play" : "pause"} />
          </button>
          <button onClick={mute} aria-label={muted ? "Sound on" : "Sound off"} aria-pressed={muted} title="Sound (M)">
            <Icon name={muted || volume === 0 ? "muted" : "sound"} />
          </button>
          <input
            className="volume" type="range" min="0" max="1" step="0.05" aria-label="Volume"
            value={muted ? 0 : volume}
            onChange={(e) => {
              const v = video.current;
              if (v) { v.volume = Number(e.target.value); v.muted = v.volume === 0; }
            }}
          />
          <button
            className={live ? "live on" : "live"} onClick={() => player.current?.goLive()}
            aria-label={live ? "You are at the live edge" : "Go to the live edge"} title="Live edge (L)"
          >
            <span className="dot" aria-hidden="true" /> {behind && state === "playing" ? "Go live" : "Live"}
          </button>
          <span className="space" />
          <button onClick={() => setShown(!shown)} aria-label="Statistics" aria-pressed={shown} title="Statistics (I)">
            <Icon name="stats" />
          </button>
          <button onClick={() => setHelp(!help)} aria-label="Keyboard help" aria-pressed={help} title="Keys (?)">
            <Icon name="help" />
          </button>
          {pip && (
            <button
              className="pip" aria-label="Picture in picture" title="Picture in picture"
              onClick={() => {
                if (document.pictureInPictureElement) void document.exitPictureInPicture();
                else void video.current?.requestPictureInPicture().catch(() => undefined);
              }}
            >
              <Icon name="pip" />
            </button>
          )}
          <button onClick={fullscreen} aria-label="Full screen" title="Full screen (F)"><Icon name="full" /></button>
        </div>

        {help && (
          <div className="help" role="dialog" aria-label="Keyboard">
            <dl>{KEYS.map(([key, what]) => <div key={key}><dt>{key}</dt><dd>{what}</dd></div>)}</dl>
            <button onClick={() => setHelp(false)}>Close</button>
          </div>
        )}
      </div>

      <header className="about">
        <h1>{stream}</h1>
        <p className={live ? "badge on" : "badge"}>{live ? "Live" : state === "playing" ? "Behind live" : message?.title}</p>
        {stats?.latency != null && state === "playing" && <p className="quiet">{stats.latency.toFixed(1)} s behind the broadcaster’s server</p>}
      </header>
    </main>
  );
}

const PATHS: Record<string, string> = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zm6 0h4v14h-4z",
  sound: "M4 9v6h4l5 5V4L8 9zm12.5 3a4 4 0 0 0-2.2-3.6v7.2a4 4 0 0 0 2.2-3.6zM14.3 4.2v2.1a6 6 0 0 1 0 11.4v2.1a8 8 0 0 0 0-15.6z",
  muted: "M4 9v6h4l5 5V4L8 9zm16.6.4-1.4-1.4-2.2 2.2-2.2-2.2-1.4 1.4 2.2 2.2-2.2 2.2 1.4 1.4 2.2-2.2 2.2 2.2 1.4-1.4-2.2-2.2z",
  stats: "M5 20V10h3v10zm5.5 0V4h3v16zM16 20v-7h3v7z",
  help: "M11 17h2v2h-2zm1-13a4.5 4.5 0 0 0-4.5 4.5h2a2.5 2.5 0 1 1 3.7 2.2C11.800 11.500 11 12.500 11 14v1h2v-1c0-.7.400-1.200 1.300-1.700A4.500 4.500 0 0 0 12 4z",
  pip: "M3 5h18v14H3zm2 2v10h14V7zm7 5h6v4h-6z",
  full: "M4 4h6v2H6v4H4zm10 0h6v6h-2V6h-4zM4 14h2v4h4v2H4zm14 0h2v6h-6v-2h4z",
};

function Icon({ name }: { name: string }) {
  return <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true"><path d={PATHS[name]} fill="currentColor" /></svg>;
}
