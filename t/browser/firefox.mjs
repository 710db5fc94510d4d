// Firefox ESR plays, and goes on with a publisher who comes back.

import { look, need, openFirefox, sleep, until, untilPlaying } from "./browsers.mjs";
import { firstNews, Publisher, untilLive } from "./publisher.mjs";
import { atLeast, atMost, is, note, ok, run } from "./tap.mjs";

const http = need("LIVE_HTTP_URL");
const stream = need("STREAM");
const hls = `${http}/live/${stream}/index.m3u8`;
const SECONDS = 8;

await run(async (closing) => {
  const url = need("LIVE_PUBLISH_URL");
  const publisher = new Publisher(closing, url, { gop: 2 });
  await untilLive(hls);

  const browser = await openFirefox(closing);
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(`${http}/watch/${stream}`);

  const born = await untilPlaying(page, 30000);
  await sleep(3000);

  const first = await look(page);
  const states = new Set();
  let worst = 0;
  for (const end = Date.now() + SECONDS * 1000; Date.now() < end; await sleep(250)) {
    const now = await look(page);
    states.add(now.state);
    worst = Math.max(worst, now.latency ?? Infinity);
  }
  const last = await look(page);

  note(`latency up to ${worst.toFixed(2)} s, ${last.dropped} of ${last.frames} frames dropped`);
  atLeast(last.time - first.time, 5, "currentTime advances by 5 s");
  is([...states].join(), "playing", "the state is \"playing\" all the time");
  atMost(worst, 3, "latency below 3 s with parts of 500 ms");
  is(`${last.width}x${last.height}`, "640x360", "the picture's size");
  atLeast(last.frames - first.frames, SECONDS * 15, "frames are decoded");
  is(last.error, null, "no media error");
  ok(await page.evaluate("document.querySelector('video').mozHasAudio"), "there is sound");

  const news = await firstNews(hls);
  await publisher.stop();
  await until("stalled", async () => (await look(page)).state === "stalled", 15000);
  const before = await look(page);
  const again = new Publisher(closing, url, { gop: 2 });
  const [seen, after] = await Promise.all([
    news(),
    until("goes on", async () => {
      const now = await look(page);
      const on = now.time > before.end + 0.2 || now.time < before.time - 1;
      return now.state === "playing" && on ? { ...now, when: Date.now() } : null;
    }, 20000),
  ]);
  atMost((after.when - Math.max(seen, again.started)) / 1000, 5, "goes on within 5 s of the first key frame");
  is(after.id, born.id, "with the same player instance");
  is(after.engines, born.engines, "and the same engine");
  is(errors.join("; "), "", "no script error");
});
