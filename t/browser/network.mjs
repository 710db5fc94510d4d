// The viewer's network goes away and comes back.

import { look, need, openChromium, openPage, sleep, until, untilPlaying } from "./browsers.mjs";
import { Publisher, untilLive } from "./publisher.mjs";
import { atMost, is, ok, run } from "./tap.mjs";

const http = need("LIVE_HTTP_URL");
const stream = need("STREAM");

await run(async (closing) => {
  new Publisher(closing, need("LIVE_PUBLISH_URL"));
  await untilLive(`${http}/live/${stream}/index.m3u8`);

  const browser = await openChromium(closing);
  const { page, context, seen } = await openPage(browser, `${http}/watch/${stream}`);
  const born = await untilPlaying(page);
  await sleep(2000);

  async function on(name, from) {
    const after = await until(`${name}: plays again`, async () => {
      const now = await look(page);
      return now.state === "playing" && now.time > from.end + 0.2 ? { ...now, when: Date.now() } : null;
    }, 20000);
    await sleep(5000);
    const settled = await look(page);
    is(settled.state, "playing", `${name}: it plays`);
    ok(settled.time > after.time + 3.5, `${name}: without stopping`, JSON.stringify([after.time, settled.time]));
    is(settled.id, born.id, `${name}: the same player instance`);
    is(settled.engines, born.engines, `${name}: with the same engine`);
    is(seen.loads, 1, `${name}: without a page load`);
    return after;
  }

  /* the browser knows that it is offline */
  await context.setOffline(true);
  await until("unreachable", async () => (await look(page)).state === "unreachable", 20000);
  ok(await page.getByText("Cannot reach the server").isVisible(), "offline device: the page says what is wrong");
  ok(await page.getByRole("button", { name: "Try now" }).isVisible(), "offline device: and offers to try now");
  let before = await look(page);
  let since = Date.now();
  await context.setOffline(false);
  let after = await on("offline device", before);
  atMost((after.when - since) / 1000, 5, "offline device: within 5 s");

  /* longer than the playlist: what it would play next has gone */
  await context.setOffline(true);
  await sleep(25000);
  before = await look(page);
  since = Date.now();
  await context.setOffline(false);
  after = await on("long outage", before);
  atMost((after.when - since) / 1000, 6, "long outage: within 6 s");
  ok((await look(page)).latency < 5, "long outage: live again", `latency ${(await look(page)).latency}`);

  /* requests fail, but the device thinks that it is online */
  await page.route("**/live/**", (route) => route.abort("connectionrefused"));
  await until("unreachable", async () => (await look(page)).state === "unreachable", 20000);
  before = await look(page);
  since = Date.now();
  await page.unroute("**/live/**");
  after = await on("server away", before);
  atMost((after.when - since) / 1000, 5, "server away: within 5 s");

  /* a server in trouble: every answer a 500 for a while */
  await page.route("**/live/**", (route) => route.fulfill({ status: 500, body: "" }));
  await until("unreachable", async () => (await look(page)).state === "unreachable", 20000);
  before = await look(page);
  await page.unroute("**/live/**");
  await on("server in trouble", before);

  is(seen.errors.join("; "), "", "no script error");
});
