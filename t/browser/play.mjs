// Chromium plays: the picture moves, near to live, whole, with sound, over HTTP and HTTP/2.

import { look, need, openChromium, openPage, sleep, untilPlaying } from "./browsers.mjs";
import { Publisher, untilLive } from "./publisher.mjs";
import { atLeast, atMost, is, note, ok, run } from "./tap.mjs";

const http = need("LIVE_HTTP_URL");
const https = need("LIVE_HTTPS_URL");
const stream = need("STREAM");
const SECONDS = 8;

async function watch(browser, base, label) {
  const { page, context, seen } = await openPage(browser, `${base}/watch/${stream}`);
  await untilPlaying(page);
  await sleep(2000);

  const samples = [];
  for (const end = Date.now() + SECONDS * 1000; Date.now() < end; await sleep(250)) samples.push(await look(page));

  const first = samples[0];
  const last = samples[samples.length - 1];
  const wall = (last.at - first.at) / 1000;
  const moved = last.time - first.time;
  const latencies = samples.map((s) => s.latency);

  note(`${label}: ${moved.toFixed(2)} s of media in ${wall.toFixed(2)} s, latency ${Math.min(...latencies).toFixed(2)}`
    + ` to ${Math.max(...latencies).toFixed(2)} s, ${last.dropped} of ${last.frames} frames dropped`);

  atLeast(moved, 5, `${label}: currentTime advances by 5 s`);
  atLeast(moved / wall, 0.95, `${label}: it advances as fast as time`);
  ok(samples.every((s, i) => i === 0 || s.time >= samples[i - 1].time), `${label}: it never goes back`);
  ok(samples.every((s) => s.state === "playing"), `${label}: the state is "playing" all the time`);
  ok(latencies.every((l) => l !== null && l > 0), `${label}: the latency is known`);
  atMost(Math.max(...latencies), 3, `${label}: latency below 3 s with parts of 500 ms`);
  is(`${last.width}x${last.height}`, "640x360", `${label}: the picture's size`);
  atLeast(last.audio - first.audio, 20000, `${label}: sound is decoded, bytes`);
  is(last.error, null, `${label}: no media error`);
  is(last.corrupted, 0, `${label}: no corrupted frame`);
  atLeast(last.frames - first.frames, SECONDS * 20, `${label}: frames are decoded`);
  is(last.engines, 1, `${label}: one engine was enough`);
  is(seen.errors.join("; "), "", `${label}: no script error`);
  is(seen.loads, 1, `${label}: the page was loaded once`);

  const asked = await page.evaluate(() => performance.getEntriesByType("resource")
    .filter((entry) => entry.name.includes("/live/")).map((entry) => [entry.name, entry.nextHopProtocol]));
  ok(asked.some(([url]) => /\/v\/[0-9a-z]+-\d+\.\d+\.m4s$/.test(url)), `${label}: parts are played, not segments alone`);
  ok(asked.some(([url]) => /_HLS_msn=\d+&_HLS_part=\d+/.test(url)), `${label}: reloads block`);
  await context.close();
  return asked;
}

await run(async (closing) => {
  new Publisher(closing, need("LIVE_PUBLISH_URL"));
  await untilLive(`${http}/live/${stream}/index.m3u8`);

  const browser = await openChromium(closing);
  await watch(browser, http, "HTTP");
  const asked = await watch(browser, https, "HTTPS");
  ok(asked.every(([, protocol]) => protocol === "h2" || protocol === ""), "HTTPS: by HTTP/2");
});
