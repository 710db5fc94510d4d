import { useCallback, useEffect, useState } from "react";
import { clock } from "../player/measure";
import type { LivePlayer } from "../player/live";
import type { State } from "../player/machine";
import { Player } from "../player/view";
import { WORDS } from "../player/words";

interface About {
  state: State;
  paused: boolean;
  behind: boolean;
  /** Whole seconds, so that the page is not drawn anew for nothing. */
  since: number | null;
  latency: string | null;
}

const FIRST: About = { state: "checking", paused: false, behind: false, since: null, latency: null };

/** Where the streams are: the page's <meta name="live-base">, an admin may change it. */
function base(): string {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="live-base"]')?.content || "/live/";
  return meta.endsWith("/") ? meta : `${meta}/`;
}

function about(player: LivePlayer): About {
  const { state } = player;
  const began = player.beginning();
  const latency = state === "playing" && !player.paused ? player.latency() : null;
  return {
    state,
    paused: player.paused,
    behind: player.isBehind(),
    since: began === null ? null : Math.max(0, Math.floor((Date.now() - began) / 1000)),
    latency: latency === null ? null : latency.toFixed(1),
  };
}

export function Watch({ stream }: { stream: string }) {
  const [now, setNow] = useState<About>(FIRST);

  const look = useCallback((player: LivePlayer) => {
    const next = about(player);
    setNow((old) => (Object.keys(next) as (keyof About)[]).every((key) => old[key] === next[key]) ? old : next);
  }, []);

  const playing = now.state === "playing";
  const live = playing && !now.behind && !now.paused;
  const words = now.state !== "playing" ? WORDS[now.state].short : now.paused ? "Paused" : live ? "Live" : "Behind live";

  const facts: string[] = [];
  if (playing && now.since !== null) facts.push(`for ${clock(now.since)}`);
  if (now.latency !== null) facts.push(`${now.latency} s behind live`);

  useEffect(() => {
    document.title = `${stream} – ${words.toLowerCase()}`;
    return () => { document.title = "ngx-live"; };
  }, [stream, words]);

  return (
    <main className="watch">
      <Player stream={stream} url={`${base()}${encodeURIComponent(stream)}/index.m3u8`} onLook={look} />

      <div className="about">
        <div className="face" aria-hidden="true">{[...stream][0]?.toUpperCase()}</div>
        <div>
          <h1>{stream}</h1>
          <p className="facts">
            <span className={live ? "badge on" : "badge"}>{words}</span>
            {facts.length > 0 && <span>{facts.join(" · ")}</span>}
          </p>
        </div>
      </div>
    </main>
  );
}
