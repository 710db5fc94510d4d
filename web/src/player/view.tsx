// The player as the viewer sees it: the element, what lies over it, and the keys.

import { useCallback, useEffect, useRef, useState, type MouseEvent } from "react";
import { Icon } from "../icons";
import { remember, remembered } from "../memory";
import { Controls } from "./controls";
import { LivePlayer } from "./live";
import type { State } from "./machine";
import { Keys, Message, Statistics } from "./panels";
import { WORDS } from "./words";

declare global {
  interface Window {
    /** For tests and the curious. */
    __live?: LivePlayer;
  }
}

interface AppleVideo extends HTMLVideoElement {
  webkitEnterFullscreen?: () => void;
}

/** There is, or a moment ago there was, a picture to control. */
const ACTIVE: ReadonlySet<State> = new Set<State>(["starting", "playing", "stalled"]);

const IDLE_MS = 3000;
const VOLUME_STEP = 0.1;

/** A LivePlayer for this element and address, and when to look at it again. */
function useLive(video: React.RefObject<HTMLVideoElement | null>, url: string): LivePlayer | null {
  const [player, setPlayer] = useState<LivePlayer | null>(null);
  const [, again] = useState(0);

  useEffect(() => {
    const element = video.current;
    if (!element) return;

    const look = () => again((n) => n + 1);
    const live = new LivePlayer(element, url, look);
    const timer = window.setInterval(look, 500);
    setPlayer(live);
    window.__live = live;

    return () => {
      window.clearInterval(timer);
      live.destroy();
      setPlayer(null);
      delete window.__live;
    };
  }, [video, url]);

  return player;
}

/** true after some time without pointer or keys over the frame. */
function useIdle(frame: React.RefObject<HTMLElement | null>): [boolean, (idle: boolean) => void] {
  const [idle, setIdle] = useState(false);
  const timer = useRef(0);

  const set = useCallback((next: boolean) => {
    window.clearTimeout(timer.current);
    if (!next) timer.current = window.setTimeout(() => setIdle(true), IDLE_MS);
    setIdle(next);
  }, []);

  useEffect(() => {
    const element = frame.current;
    if (!element) return;

    const active = () => set(false);
    const moved = (event: PointerEvent) => { if (event.pointerType !== "touch") set(false); };
    const left = (event: PointerEvent) => { if (event.pointerType !== "touch") set(true); };
    const clicked = (event: Event) => { if (!(event.target instanceof HTMLVideoElement)) set(false); };

    active();
    element.addEventListener("pointermove", moved);
    element.addEventListener("pointerleave", left);
    element.addEventListener("click", clicked);
    window.addEventListener("keydown", active);
    return () => {
      window.clearTimeout(timer.current);
      element.removeEventListener("pointermove", moved);
      element.removeEventListener("pointerleave", left);
      element.removeEventListener("click", clicked);
      window.removeEventListener("keydown", active);
    };
  }, [frame, set]);

  return [idle, set];
}

export function Player({ stream, url, onLook }: {
  stream: string;
  url: string;
  onLook: (player: LivePlayer) => void;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const player = useLive(video, url);
  const [idle, setIdle] = useIdle(frame);

  const [muted, setMuted] = useState(true);
  const [volume, setVolume] = useState(1);
  const [full, setFull] = useState(false);
  const [stats, setStats] = useState(false);
  const [keys, setKeys] = useState(false);

  useEffect(() => { if (player) onLook(player); });

  /* without sound at first; with it for who turned it on before, where the browser lets us */
  useEffect(() => {
    const v = video.current;
    if (!v) return;
    v.muted = remembered("sound") !== "on";
    v.volume = Math.min(1, Math.max(0, Number(remembered("volume") ?? 1) || 1));
  }, []);

  useEffect(() => {
    const changed = () => setFull(document.fullscreenElement !== null);
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, []);

  const toggle = useCallback(() => {
    if (!player) return;
    if (player.paused) player.play();
    else player.pause();
  }, [player]);

  const mute = useCallback(() => {
    const v = video.current;
    if (!v) return;
    v.muted = !v.muted;
    if (!v.muted && v.volume === 0) v.volume = 0.5;
    remember("sound", v.muted ? null : "on");
  }, []);

  const loud = useCallback((level: number) => {
    const v = video.current;
    if (!v) return;
    v.volume = Math.min(1, Math.max(0, Math.round(level * 100) / 100));
    v.muted = v.volume === 0;
    remember("volume", v.volume > 0 ? String(v.volume) : null);
    remember("sound", v.muted ? null : "on");
  }, []);

  const fullScreen = useCallback(() => {
    const v: AppleVideo | null = video.current;
    if (document.fullscreenElement) void document.exitFullscreen();
    else if (frame.current?.requestFullscreen) void frame.current.requestFullscreen().catch(() => undefined);
    else v?.webkitEnterFullscreen?.();
  }, []);

  const pip = useCallback(() => {
    if (document.pictureInPictureElement) void document.exitPictureInPicture();
    else void video.current?.requestPictureInPicture?.().catch(() => undefined);
  }, []);

  useEffect(() => {
    const step = (by: number) => {
      const v = video.current;
      if (v) loud((v.muted ? 0 : v.volume) + by);
    };
    const actions: Record<string, () => void> = {
      " ": toggle, k: toggle, m: mute, f: fullScreen, p: pip,
      l: () => player?.goLive(),
      i: () => setStats((shown) => !shown),
      "?": () => setKeys((shown) => !shown),
      ArrowUp: () => step(VOLUME_STEP),
      ArrowDown: () => step(-VOLUME_STEP),
      Escape: () => { setKeys(false); setStats(false); },
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const on = event.target instanceof HTMLElement ? event.target : null;
      /* a focused control keeps the keys that it knows itself */
      if (event.key === " " && on?.closest("button, a, input")) return;
      if (event.key.startsWith("Arrow") && on?.closest("input")) return;
      const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!action || (event.repeat && !event.key.startsWith("Arrow"))) return;
      if (event.key !== "Escape") event.preventDefault();
      action();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [player, toggle, mute, loud, fullScreen, pip]);

  /* a finger shows and hides the bar; a mouse plays and pauses */
  const onPicture = (event: MouseEvent) => {
    if ((event.nativeEvent as PointerEvent).pointerType === "touch") setIdle(!idle);
    else toggle();
  };

  const state = player?.state ?? "checking";
  const paused = player?.paused ?? false;
  const words = state === "playing" ? null : WORDS[state];
  const waits = words !== null && !(paused && (state === "starting" || state === "stalled"));
  const behind = state === "playing" && (paused || (player?.isBehind() ?? false));
  const live = state === "playing" && !behind;
  const quiet = idle && state === "playing" && !paused && !keys;

  return (
    <div className={`frame ${state}${quiet ? " quiet" : ""}`} ref={frame}>
      <video
        ref={video} playsInline muted aria-label={`Live stream ${stream}`}
        onClick={onPicture} onDoubleClick={fullScreen}
        onVolumeChange={(event) => { setMuted(event.currentTarget.muted); setVolume(event.currentTarget.volume); }}
      />

      <div role="status">
        {waits && <Message words={words} onRetry={() => player?.tryNow()} />}
      </div>

      {paused && !waits && (
        <button className="start" onClick={toggle} aria-label="Play"><Icon name="play" /></button>
      )}

      {muted && state === "playing" && (
        <button className="unmute" onClick={mute}><Icon name="muted" /> Turn sound on</button>
      )}

      {stats && player && <Statistics stats={player.stats()} onClose={() => setStats(false)} />}
      {keys && <Keys onClose={() => setKeys(false)} />}

      <Controls
        active={ACTIVE.has(state)} paused={paused} muted={muted} volume={volume} live={live} behind={behind}
        full={full} stats={stats} keys={keys}
        onPlay={toggle} onMute={mute} onVolume={loud} onLive={() => player?.goLive()} onFull={fullScreen}
        onPip={document.pictureInPictureEnabled ? pip : null}
        onStats={() => setStats(!stats)} onKeys={() => setKeys(!keys)}
      />
    </div>
  );
}
