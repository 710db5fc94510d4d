// A track that has stopped. Its playlist goes on with gaps, but a browser plays on only where
// both sound and picture are, so the stream is then played without it.

export type Kind = "audio" | "video";

/** Seconds at a playlist's end: of gaps, or of media; one of them is 0. */
export interface Tail {
  gap: number;
  media: number;
}

export interface Tails {
  audio: Tail;
  video: Tail;
}

const GONE: Record<Kind, number> = { audio: 1.4, video: 3 };
const BACK = 1.4;

export function tailOf(text: string): Tail {
  const pieces: { seconds: number; gap: boolean }[] = [];
  const segments: typeof pieces = [];
  let gap = false;

  for (const raw of text.split("\n")) {
    const line = raw.trim();
    const part = /^#EXT-X-PART:(.*)/.exec(line)?.[1];
    const segment = /^#EXTINF:([\d.]+)/.exec(line)?.[1];

    if (part !== undefined) {
      const seconds = Number(/(?:^|,)DURATION=([\d.]+)/.exec(part)?.[1] ?? 0);
      pieces.push({ seconds, gap: /(?:^|,)GAP=YES/.test(part) });
    } else if (line === "#EXT-X-GAP") {
      gap = true;
    } else if (segment !== undefined) {
      segments.push({ seconds: Number(segment), gap });
      gap = false;
    }
  }

  const list = pieces.length > 0 ? pieces : segments;
  const last = list[list.length - 1];
  if (!last) return { gap: 0, media: 0 };

  let seconds = 0;
  for (let i = list.length - 1; list[i]?.gap === last.gap; i--) seconds += list[i]?.seconds ?? 0;
  return last.gap ? { gap: seconds, media: 0 } : { gap: 0, media: seconds };
}

/** The track to do without, given the one that is done without now. */
export function missingOf(tails: Tails | null, now: Kind | null): Kind | null {
  if (tails === null) return null;
  if (now !== null) return tails[now].media >= BACK ? null : now;
  if (tails.audio.gap >= GONE.audio && tails.video.gap === 0) return "audio";
  if (tails.video.gap >= GONE.video && tails.audio.gap === 0) return "video";
  return null;
}

/** Where a multivariant playlist has its sound and its first picture; null without both. */
export function urisOf(multivariant: string): Record<Kind, string> | null {
  const media = multivariant.split("\n").find((line) => /^#EXT-X-MEDIA:(.*,)?TYPE=AUDIO/.test(line));
  const audio = media && /[:,]URI="([^"]*)"/.exec(media)?.[1];
  const video = /^#EXT-X-STREAM-INF:[^\n]*[:,]AUDIO="[^\n]*\n(?:#[^\n]*\n)*([^#\s][^\n]*)/m.exec(multivariant)?.[1]?.trim();
  return audio && video ? { audio, video } : null;
}

const SOUND = /^(mp4a|ac-3|ec-3|opus|flac)/i;

/** The multivariant playlist as if the stream never had this track. */
export function without(multivariant: string, kind: Kind): string {
  const uris = urisOf(multivariant);
  if (uris === null) return multivariant;

  const codecs = (list: string) =>
    list.split(",").filter((codec) => SOUND.test(codec.trim()) === (kind === "video")).join(",");

  const lines = multivariant.split("\n")
    .filter((line) => !line.startsWith("#EXT-X-MEDIA:"))
    .map((line) => {
      if (!line.startsWith("#EXT-X-STREAM-INF:")) return line;
      const kept = line.replace(/CODECS="([^"]*)"/, (_all, list: string) => `CODECS="${codecs(list)}"`)
        .replace(/,AUDIO="[^"]*"/, "");
      return kind === "video" ? kept.replace(/,(RESOLUTION|FRAME-RATE)=[^,\n]*/g, "") : kept;
    });

  if (kind === "audio") return lines.join("\n");

  /* one variant is left, the sound */
  const at = lines.findIndex((line) => line.startsWith("#EXT-X-STREAM-INF:"));
  return [...lines.slice(0, at + 1), uris.audio, ""].join("\n");
}
