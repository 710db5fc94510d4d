// Streams that are not the usual one: sound alone, picture alone, sound that stops, few frames.
// The server's live_linger must be a few seconds.

import { look, need, openChromium, openPage, sleep, until, untilPlaying } from "./browsers.mjs";
import { Publisher, recordSilence, untilLive } from "./publisher.mjs";
import { atLeast, atMost, is, note, ok, run } from "./tap.mjs";

const http = need("LIVE_HTTP_URL");
const stream = need("STREAM");
const hls = `${http}/live/${stream}/index.m3u8`;
const SECONDS = 6;

await run(async (closing) => {
  const browser = await openChromium(closing);

  async function plays(name, options, { after = 2000, limit = 3, check, then } = {}) {
    const publisher = new Publisher(closing, need("LIVE_PUBLISH_URL"), options);
    await untilLive(hls);
    const { page, context, seen } = await openPage(browser, `${http}/watch/${stream}`);
    await untilPlaying(page, 20000);
    await sleep(after);

    const first = await look(page);
    await sleep(SECONDS * 1000);
    const last = await look(page);

    note(`${name}: ${(last.time - first.time).toFixed(2)} s of media in ${SECONDS} s, latency ${last.latency}`);
    atLeast(last.time - first.time, SECONDS - 1, `${name}: currentTime advances`);
    is(last.state, "playing", `${name}: it plays`);
    is(last.error, null, `${name}: no media error`);
    atMost(last.latency, limit, `${name}: latency`);
    check?.(first, last);
    await then?.(page);

    await publisher.stop();
    await until("ended", async () => (await look(page)).state === "ended", 40000);
    ok(true, `${name}: and ends`);
    is(seen.errors.join("; "), "", `${name}: no script error`);
    await context.close();
  }

  await plays("sound alone", { video: false }, {
    check: (first, last) => {
      is(last.width, 0, "sound alone: no picture");
      atLeast(last.audio - first.audio, 20000, "sound alone: sound is decoded, bytes");
    },
  });

  await plays("picture alone", { audio: false }, {
    check: (first, last) => {
      is(`${last.width}x${last.height}`, "640x360", "picture alone: its size");
      is(last.audio, 0, "picture alone: no sound");
    },
  });

  await plays("5 frames a second", { fps: 5, gop: 2 }, {
    check: (first, last) => atLeast(last.frames - first.frames, 5 * SECONDS - 8, "5 frames a second: are decoded"),
  });

  await plays("1 frame a second", { fps: 1, gop: 2 }, { limit: 4 });

  /* a browser plays only where both sound and picture are: the page goes on without, then with it again */
  await plays("sound that stops", { file: recordSilence(closing, 60, 6, 25) }, {
    after: 11000,
    check: (first, last) => is(last.audio, 0, "sound that stops: the picture goes on without it"),
    then: async (page) => {
      const back = await until("sound", async () => {
        const now = await look(page);
        return now.audio > 0 ? now : null;
      }, 25000, 200);
      await sleep(4000);
      const later = await look(page);
      is(later.state, "playing", "sound that comes back: it plays");
      atLeast(later.audio - back.audio, 20000, "sound that comes back: is decoded, bytes");
      atMost(later.latency, 4, "sound that comes back: latency");
    },
  });
});
