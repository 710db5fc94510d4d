import assert from "node:assert/strict";
import { test } from "node:test";
import { missingOf, tailOf, urisOf, without } from "./tracks";

const multivariant = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="a.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=2836751,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO="audio"
v.m3u8
`;

const part = (seconds: number, gap: boolean) => `#EXT-X-PART:DURATION=${seconds},URI="x.m4s"${gap ? ",GAP=YES" : ""}\n`;

test("a playlist ends in media or in gaps, for so many seconds", () => {
  assert.deepEqual(tailOf("#EXTM3U\n" + part(0.5, true) + part(0.5, false) + part(0.25, false)), { gap: 0, media: 0.75 });
  assert.deepEqual(tailOf("#EXTM3U\n" + part(0.5, false) + part(0.5, true) + part(0.5, true)), { gap: 1, media: 0 });
  assert.deepEqual(tailOf("#EXTM3U\n#EXTINF:2,\na\n#EXT-X-GAP\n#EXTINF:4,\nb\n"), { gap: 4, media: 0 });
  assert.deepEqual(tailOf("#EXTM3U\n#EXT-X-GAP\n#EXTINF:4,\nb\n#EXTINF:2,\na\n"), { gap: 0, media: 2 });
  assert.deepEqual(tailOf("#EXTM3U\n"), { gap: 0, media: 0 });
});

test("sound that stopped is done without, until it has been back for a moment", () => {
  const video = { gap: 0, media: 9 };
  assert.equal(missingOf({ audio: { gap: 1, media: 0 }, video }, null), null);
  assert.equal(missingOf({ audio: { gap: 1.5, media: 0 }, video }, null), "audio");
  assert.equal(missingOf({ audio: { gap: 0, media: 0.5 }, video }, "audio"), "audio");
  assert.equal(missingOf({ audio: { gap: 0, media: 1.5 }, video }, "audio"), null);
});

test("a picture of few frames is not a picture that stopped", () => {
  const audio = { gap: 0, media: 9 };
  assert.equal(missingOf({ audio, video: { gap: 2, media: 0 } }, null), null);
  assert.equal(missingOf({ audio, video: { gap: 3, media: 0 } }, null), "video");
});

test("nothing is left out when both stop, or when there is one alone", () => {
  const gone = { gap: 9, media: 0 };
  assert.equal(missingOf({ audio: gone, video: gone }, null), null);
  assert.equal(missingOf(null, null), null);
  assert.equal(missingOf(null, "audio"), null);
});

test("sound and picture are found", () => {
  assert.deepEqual(urisOf(multivariant), { audio: "a.m3u8", video: "v.m3u8" });
  assert.equal(urisOf("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n"), null);
});

test("a playlist without sound", () => {
  const text = without(multivariant, "audio");
  assert.ok(!text.includes("EXT-X-MEDIA") && !text.includes("AUDIO=") && !text.includes("mp4a"), text);
  assert.ok(text.includes('CODECS="avc1.64001f"') && text.includes("RESOLUTION=1280x720") && text.includes("\nv.m3u8\n"), text);
});

test("a playlist without a picture", () => {
  const text = without(multivariant, "video");
  assert.ok(text.includes('CODECS="mp4a.40.2"') && text.includes("\na.m3u8\n"), text);
  assert.ok(!text.includes("v.m3u8") && !text.includes("RESOLUTION") && !text.includes("FRAME-RATE") && !text.includes("EXT-X-MEDIA"), text);
});

test("a stream of one track is left as it is", () => {
  const single = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n";
  assert.equal(without(single, "audio"), single);
});
