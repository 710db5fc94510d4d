// The server is reloaded, loses its workers, stands still: the page plays on.

import { look, need, openChromium, openPage, server, sleep, until, untilPlaying } from "./browsers.mjs";
import { Publisher, untilLive } from "./publisher.mjs";
import { atMost, is, note, ok, run } from "./tap.mjs";

const http = need("LIVE_HTTP_URL");
const stream = need("STREAM");

await run(async (closing) => {
  const url = need("LIVE_PUBLISH_URL");
  let publisher = new Publisher(closing, url);
  await untilLive(`${http}/live/${stream}/index.m3u8`);

  const browser = await openChromium(closing);
  const { page, seen } = await openPage(browser, `${http}/watch/${stream}`);
  const born = await untilPlaying(page);
  await sleep(4000);

  async function unseen(name, seconds = 8) {
    const before = await look(page);
    await server(name);

    const states = new Set();
    let worst = 0;
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(200)) {
      const now = await look(page);
      states.add(now.state);
      worst = Math.max(worst, now.latency ?? Infinity);
    }

    const last = await look(page);
    note(`${name}: latency ${before.latency.toFixed(2)} s before, up to ${worst.toFixed(2)} s, ${last.latency?.toFixed(2)} s after`);
    is([...states].join(), "playing", `${name}: the viewer sees nothing of it`);
    ok(last.time > before.time + seconds - 2, `${name}: the picture goes on`, JSON.stringify([before.time, last.time]));
    atMost(worst - before.latency, 1, `${name}: latency rises by less than 1 s`);
  }

  await unseen("reload");

  /* the publisher's worker dies as well: he comes back, as encoders do */
  await server("kill");
  await publisher.done;
  const before = await look(page);
  publisher = new Publisher(closing, url);
  const after = await until("goes on", async () => {
    const now = await look(page);
    return now.state === "playing" && now.time > before.end + 0.2 ? { ...now, when: Date.now() } : null;
  }, 20000);
  atMost((after.when - publisher.started) / 1000, 6, "kill -9 of all workers: goes on within 6 s of the publisher's start");

  /* a server that stands still for longer than the viewer has media */
  await sleep(4000);
  await server("freeze");
  await until("no answer", async () => ["stalled", "unreachable"].includes((await look(page)).state), 20000);
  await sleep(3000);
  await server("thaw");
  const thawed = Date.now();
  const held = await look(page);
  await until("goes on", async () => {
    const now = await look(page);
    return now.state === "playing" && now.time > held.time + 0.5;
  }, 20000);
  atMost((Date.now() - thawed) / 1000, 5, "a server that stood still: goes on within 5 s");

  await sleep(6000);
  const last = await look(page);
  is(last.state, "playing", "it plays");
  atMost(last.latency, 4, "latency");
  is(last.id, born.id, "the same player instance");
  is(last.engines, born.engines, "with the same engine");
  is(last.error, null, "no media error");
  is(seen.loads, 1, "without a page load");
  is(seen.errors.join("; "), "", "no script error");
});
