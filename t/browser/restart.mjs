// The publisher goes and comes back within live_linger: the same player goes on, without a page load.

import { look, need, openChromium, openPage, sleep, until, untilPlaying } from "./browsers.mjs";
import { firstNews, Publisher, untilLive } from "./publisher.mjs";
import { atMost, is, note, ok, run } from "./tap.mjs";

const http = need("LIVE_HTTP_URL");
const stream = need("STREAM");
const hls = `${http}/live/${stream}/index.m3u8`;

await run(async (closing) => {
  const url = need("LIVE_PUBLISH_URL");
  let publisher = new Publisher(closing, url, { gop: 2 });
  await untilLive(hls);

  const browser = await openChromium(closing);
  const { page, seen } = await openPage(browser, `${http}/watch/${stream}`);
  const born = await untilPlaying(page);
  await sleep(3000);

  async function again(name, leave, options) {
    const news = await firstNews(hls);
    await leave();
    const before = await look(page);
    publisher = new Publisher(closing, url, { gop: 2, ...options });

    const [first, after] = await Promise.all([
      news(),
      until(`${name}: goes on`, async () => {
        const now = await look(page);
        /* past what had come before, or anew */
        const on = now.time > before.end + 0.2 || now.time < before.time - 1;
        return now.state === "playing" && on ? { ...now, when: Date.now() } : null;
      }, 20000),
    ]);

    const keyFrame = Math.max(publisher.started, first);
    atMost((after.when - keyFrame) / 1000, 5, `${name}: goes on within 5 s of the first key frame`);
    note(`${name}: ${after.when - publisher.started} ms after the publisher was started`);

    await sleep(6000);
    const settled = await look(page);
    is(settled.state, "playing", `${name}: it plays`);
    ok(settled.time > after.time + 4, `${name}: without stopping`, JSON.stringify([after.time, settled.time]));
    ok(settled.latency !== null && settled.latency < 3, `${name}: latency below 3 s`, `latency ${settled.latency}`);
    is(settled.id, born.id, `${name}: the same player instance`);
    is(settled.engines, born.engines, `${name}: with the same engine`);
    is(settled.error, null, `${name}: no media error`);
    is(seen.loads, 1, `${name}: without a page load`);
    return settled;
  }

  await again("stopped", async () => {
    await publisher.stop();
    await until("stalled", async () => (await look(page)).state === "stalled", 15000);
    ok(await page.getByText("Waiting for the broadcaster").isVisible(), "stopped: the page says that it waits");
  });

  await again("killed", async () => {
    await publisher.kill();
    await sleep(1000);
  });

  const big = await again("another picture size", async () => {
    await publisher.stop();
    await sleep(2000);
  }, { size: "854x480" });
  is(`${big.width}x${big.height}`, "854x480", "another picture size: is shown");

  is(seen.errors.join("; "), "", "no script error");
});
