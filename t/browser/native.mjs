// Where there are no Media Source Extensions, the browser's own HLS plays. Chromium has one; MSE is taken from it.

import { look, need, openChromium, openPage, sleep, until, untilPlaying } from "./browsers.mjs";
import { Publisher, untilLive } from "./publisher.mjs";
import { atLeast, is, ok, run } from "./tap.mjs";

const http = need("LIVE_HTTP_URL");
const stream = need("STREAM");
const hls = `${http}/live/${stream}/index.m3u8`;
const SECONDS = 6;

function noMse() {
  for (const name of ["MediaSource", "ManagedMediaSource", "WebKitMediaSource"]) {
    Object.defineProperty(window, name, { value: undefined });
  }
}

await run(async (closing) => {
  const url = need("LIVE_PUBLISH_URL");
  let publisher = new Publisher(closing, url);
  await untilLive(hls);

  const browser = await openChromium(closing);
  const { page, seen } = await openPage(browser, `${http}/watch/${stream}`, { before: noMse });
  is(await page.evaluate(() => typeof MediaSource), "undefined", "there are no Media Source Extensions");

  const born = await untilPlaying(page, 40000);
  const first = await look(page);
  await sleep(SECONDS * 1000);
  const last = await look(page);
  atLeast(last.time - first.time, SECONDS - 1, "currentTime advances");
  is(last.stats.engine, "the browser’s own HLS", "by the browser's own HLS");
  is(`${last.width}x${last.height}`, "640x360", "the picture's size");

  await publisher.stop();
  await until("stalled or ended", async () => ["stalled", "ended"].includes((await look(page)).state), 40000);
  publisher = new Publisher(closing, url);
  const after = await untilPlaying(page, 30000);
  is(after.id, born.id, "a restarted publisher: the same player instance");
  is(seen.loads, 1, "a restarted publisher: without a page load");

  await publisher.stop();
  await until("ended", async () => (await look(page)).state === "ended", 60000);
  ok(true, "ended");
  is(seen.errors.join("; "), "", "no script error");
});
