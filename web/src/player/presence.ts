// Is the stream there, and does it go on? Asked from outside of the player that plays it.

import { tailOf, urisOf, type Tails } from "./tracks";

export type Presence =
  | "live"
  | "coming"        // begun, but without a complete segment yet: hls.js takes that for empty
  | "offline"
  | "ended"
  | "forbidden"
  | "unreachable";

export interface Answer {
  presence: Presence;
  /** What the first media playlist ends with; differs when something new was published. */
  edge: string | null;
  /** How sound and picture stand at the end of their playlists, of a live stream that has both. */
  tails: Tails | null;
}

const PATIENCE_MS = 12000;

/** The first playlist that a multivariant playlist names, or a media playlist's first segment; or null. */
export function firstUri(text: string): string | null {
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (line !== "" && !line.startsWith("#")) return line;
  }
  return null;
}

export function isPlaylist(text: string): boolean {
  return text.startsWith("#EXTM3U");
}

export function isEnded(text: string): boolean {
  return /^#EXT-X-ENDLIST/m.test(text);
}

/** The newest segment or part of a media playlist, as the playlist writes it. */
export function edgeOf(text: string): string | null {
  let edge: string | null = null;
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (line.startsWith("#EXT-X-PART:") || (line !== "" && !line.startsWith("#"))) edge = line;
  }
  return edge;
}

function refusal(status: number): Presence {
  if (status === 401 || status === 403) return "forbidden";
  if (status === 404 || status === 410 || status === 503) return "offline";
  return "unreachable";
}

function only(presence: Presence): Answer {
  return { presence, edge: null, tails: null };
}

export async function ask(url: string, get: typeof fetch = fetch): Promise<Answer> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
  const how: RequestInit = { cache: "no-store", signal: abort.signal };

  try {
    const answer = await get(url, how);
    if (!answer.ok) return only(refusal(answer.status));

    const text = await answer.text();
    const uri = isPlaylist(text) ? firstUri(text) : null;
    if (uri === null) return only("offline");

    const base = answer.url || url;
    const media = await get(new URL(uri, base).href, how);
    if (!media.ok) return only(refusal(media.status));

    const list = await media.text();
    const edge = edgeOf(list);
    if (isEnded(list)) return { presence: "ended", edge, tails: null };
    if (firstUri(list) === null) return { presence: "coming", edge, tails: null };

    const uris = urisOf(text);
    if (uris === null) return { presence: "live", edge, tails: null };

    const sound = await get(new URL(uris.audio, base).href, how);
    const tails = sound.ok ? { video: tailOf(list), audio: tailOf(await sound.text()) } : null;
    return { presence: "live", edge, tails };
  } catch {
    return only("unreachable");
  } finally {
    clearTimeout(timer);
  }
}

/** Milliseconds to the next question about a stream that has begun. */
export const COMING_MS = 350;

/**
 * Milliseconds to the next question. Short at first, since a broadcaster who restarts is
 * back in seconds; longer when nobody comes; never in step with the other viewers.
 */
export function askDelay(attempt: number, random: () => number = Math.random): number {
  const base = attempt < 40 ? 1400 : attempt < 100 ? 2500 : 8000;
  return base * (0.75 + 0.5 * random());
}
