// Is the stream there, and is it live? Asked before playing, and again and again while it is not.

export type Presence = "live" | "offline" | "ended" | "unreachable";

/** The first media playlist a multivariant playlist names, or null. */
export function firstMediaPlaylist(text: string): string | null {
  for (const line of text.split("\n")) {
    const uri = line.trim();
    if (uri !== "" && !uri.startsWith("#")) return uri;
  }
  return null;
}

/** A stream that ended stays for a while, with ENDLIST in its playlists. */
export function isEnded(text: string): boolean {
  return text.includes("#EXT-X-ENDLIST");
}

export async function probe(url: string, get: typeof fetch = fetch): Promise<Presence> {
  try {
    const answer = await get(url, { cache: "no-store" });
    if (!answer.ok) return answer.status >= 500 && answer.status !== 503 ? "unreachable" : "offline";

    const uri = firstMediaPlaylist(await answer.text());
    if (uri === null) return "offline";

    const media = await get(new URL(uri, answer.url || url), { cache: "no-store" });
    if (!media.ok) return "offline";

    return isEnded(await media.text()) ? "ended" : "live";
  } catch {
    return "unreachable";
  }
}

/**
 * Milliseconds to the next question: short at first, since a broadcaster who restarts is
 * back in seconds; then longer, and never in step with other viewers.
 */
export function probeDelay(attempt: number, random: () => number = Math.random): number {
  const base = Math.min(1000 * 1.3 ** Math.min(attempt, 20), attempt < 40 ? 2500 : 10000);
  return base * (0.75 + 0.5 * random());
}
