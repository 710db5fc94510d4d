// Before the first publisher, and after the last: the page waits, and starts by itself.
// The server's live_linger must be a few seconds.

import { look, need, openChromium, openPage, sleep, until, untilPlaying } from "./browsers.mjs";
import { firstNews, Publisher } from "./publisher.mjs";
import { atMost, is, note, ok, run } from "./tap.mjs";

const http = need("LIVE_HTTP_URL");
const stream = need("STREAM");
const hls = `${http}/live/${stream}/index.m3u8`;

await run(async (closing) => {
  const url = need("LIVE_PUBLISH_URL");
  const browser = await openChromium(closing);
  const { page, seen } = await openPage(browser, `${http}/watch/${stream}`);

  await until("offline", async () => (await look(page)).state === "offline");
  ok(await page.getByText("Offline").first().isVisible(), "offline: the page says so");
  ok(await page.getByText("start by itself").isVisible(), "offline: and that it will start by itself");
  const born = await look(page);

  async function starts(name) {
    const news = await firstNews(hls);
    const publisher = new Publisher(closing, url, { gop: 2 });
    const first = await news();
    await untilPlaying(page);
    const now = Date.now();
    atMost((now - Math.max(first, publisher.started)) / 1000, 5, `${name}: plays within 5 s of the first key frame`);
    note(`${name}: ${now - publisher.started} ms after the publisher was started`);
    await sleep(4000);
    const settled = await look(page);
    is(settled.state, "playing", `${name}: it plays`);
    ok(settled.latency !== null && settled.latency < 3, `${name}: latency below 3 s`, `latency ${settled.latency}`);
    is(settled.id, born.id, `${name}: the same player instance`);
    is(settled.error, null, `${name}: no media error`);
    is(seen.loads, 1, `${name}: without a page load`);
    return publisher;
  }

  let publisher = await starts("first publisher");
  const { engines } = await look(page);

  await publisher.stop();
  await until("ended", async () => (await look(page)).state === "ended", 30000);
  ok(await page.getByText("The broadcast has ended").isVisible(), "ended: the page says so");
  is((await look(page)).id, born.id, "ended: the same player instance");
  await sleep(2000);

  publisher = await starts("a new broadcast");
  is((await look(page)).engines, engines, "a new broadcast: with the same engine");

  /* until even the name is forgotten as a stream with playlists */
  await publisher.kill();
  await until("ended", async () => (await look(page)).state === "ended", 30000);
  await until("410", async () => (await fetch(hls)).status === 410, 60000, 500);
  await sleep(3000);
  is((await look(page)).state, "ended", "410: still ended for who has watched it");

  const { page: late, context } = await openPage(browser, `${http}/watch/${stream}`);
  await until("offline", async () => (await look(late)).state === "offline");
  ok(true, "410: offline for who comes late");
  await context.close();

  await starts("after 410");
  is((await look(page)).engines, engines, "after 410: with the same engine");
  is(seen.errors.join("; "), "", "no script error");
});
