// The page around the picture: keys, names for screen readers, narrow screens, plain words.

import { look, need, openChromium, openPage, PHONE, sleep, until, untilPlaying } from "./browsers.mjs";
import { Publisher, untilLive } from "./publisher.mjs";
import { is, ok, run } from "./tap.mjs";

const http = need("LIVE_HTTP_URL");
const stream = need("STREAM");
const watch = `${http}/watch/${stream}`;

const video = (page, what) => page.evaluate((property) => document.querySelector("video")[property], what);

async function noOverflow(page, name) {
  const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  ok(content <= width, `${name}: nothing is wider than the screen`, `${content} > ${width}`);
}

/* what is there to be pressed lies within the screen and the frame, and is large enough for a finger */
async function reachable(page, name) {
  const bad = await page.evaluate(() => {
    const frame = document.querySelector(".frame").getBoundingClientRect();
    return [...document.querySelectorAll(".frame button")].filter((button) => {
      const box = button.getBoundingClientRect();
      if (box.width === 0) return false;
      return box.left < 0 || box.right > window.innerWidth + 0.5 || box.top < frame.top || box.bottom > frame.bottom + 0.5
        || box.height < 32 || box.width < 32;
    }).map((button) => button.getAttribute("aria-label") ?? button.textContent);
  });
  is(bad.join(", "), "", `${name}: every button is within reach`);
}

async function keyboard(page) {
  await page.keyboard.press("k");
  await until("paused", () => video(page, "paused"));
  ok(await page.getByRole("button", { name: "Play" }).first().isVisible(), "k: paused, and a button to play");
  await page.keyboard.press(" ");
  await until("playing", async () => !(await video(page, "paused")));
  ok(true, "space: plays");

  is(await video(page, "muted"), true, "sound is off at first");
  ok(await page.getByRole("button", { name: "Turn sound on" }).isVisible(), "and a button to turn it on is to be seen");
  await page.keyboard.press("m");
  is(await video(page, "muted"), false, "m: sound on");
  await until("the button goes", async () => !(await page.getByRole("button", { name: "Turn sound on" }).isVisible()));
  ok(true, "m: the button goes");

  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  is(await video(page, "volume"), 0.8, "arrow down, twice: softer");
  await page.keyboard.press("ArrowUp");
  is(await video(page, "volume"), 0.9, "arrow up: louder");

  await page.keyboard.press("i");
  const stats = page.getByRole("region", { name: "Statistics" });
  await stats.waitFor();
  const text = await stats.innerText();
  ok(/Latency\s+\d\.\d s/.test(text), "i: latency", text);
  ok(/Bit rate\s+\d\.\d\d Mb\/s/.test(text), "i: bit rate", text);
  ok(/Picture\s+640 × 360, 30 fps/.test(text), "i: resolution", text);
  ok(/Dropped frames\s+\d+ of \d+/.test(text), "i: dropped frames", text);
  ok(/Buffer\s+\d\.\d s/.test(text), "i: buffer", text);
  await page.keyboard.press("i");
  await stats.waitFor({ state: "detached" });
  ok(true, "i again: gone");

  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard" });
  await help.waitFor();
  ok(await help.getByText("play, pause").isVisible(), "?: the keys");
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "detached" });
  ok(true, "Escape: gone");

  await page.keyboard.press("f");
  await until("full screen", () => page.evaluate(() => document.fullscreenElement !== null));
  ok(true, "f: full screen");
  await page.keyboard.press("f");
  await until("window", () => page.evaluate(() => document.fullscreenElement === null));
  ok(true, "f again: back");
}

async function tabbing(page) {
  const names = [];
  await page.evaluate(() => document.activeElement?.blur());
  for (let i = 0; i < 14; i++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const style = getComputedStyle(element);
      return { name: element.getAttribute("aria-label") ?? element.textContent, ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
    });
    if (at) names.push(at);
  }
  for (const name of ["Pause", "Sound off", "Volume", "Statistics", "Keyboard help", "Full screen"]) {
    ok(names.some((at) => at.name === name), `Tab comes to "${name}"`, JSON.stringify(names));
  }
  ok(names.every((at) => at.ring), "what has the focus has a ring", JSON.stringify(names.filter((at) => !at.ring)));

  const nameless = await page.evaluate(() => [...document.querySelectorAll("button, input, a, video")]
    .filter((element) => !(element.getAttribute("aria-label") || element.textContent.trim() || element.labels?.length)).length);
  is(nameless, 0, "every control has a name");
  ok(await page.locator("video").getAttribute("aria-label") === `Live stream ${stream}`, "the picture has one too");
  is(await page.getByRole("heading", { level: 1 }).innerText(), stream, "the heading is the stream's name");
}

async function behind(page) {
  await page.keyboard.press("k");
  await sleep(6500);
  await page.keyboard.press("k");
  const button = page.getByRole("button", { name: "Go live" });
  await until("behind", async () => (await look(page)).behind);
  ok(await button.isVisible(), "who paused is behind, and has a button to go live");
  const latency = (await look(page)).latency;
  ok(latency > 5, "he goes on where he was", `latency ${latency}`);
  await button.click();
  await until("live", async () => { const now = await look(page); return !now.behind && now.latency < 3 && now.state === "playing"; });
  await page.getByRole("button", { name: "Live", exact: true }).waitFor({ timeout: 3000 });
  ok(true, "and is live after pressing it");
}

await run(async (closing) => {
  const browser = await openChromium(closing);

  /* without a stream */
  {
    const { page, context } = await openPage(browser, watch, { viewport: PHONE, touch: true });
    await until("offline", async () => (await look(page)).state === "offline");
    await noOverflow(page, "360 px, offline");
    await reachable(page, "360 px, offline");
    is(await page.title(), `${stream} – offline`, "offline: the tab says so");
    is(await page.getByRole("status").innerText().then((text) => text.includes("Offline")), true, "offline: told to screen readers");
    await context.close();
  }

  {
    const { page, context } = await openPage(browser, `${http}/`, { viewport: PHONE, touch: true });
    await noOverflow(page, "360 px, first page");
    ok(await page.getByText(`rtmp://${new URL(http).hostname}/live`, { exact: true }).isVisible(), "first page: where to publish");
    await page.getByLabel("Name of the stream").fill(stream);
    await page.getByRole("button", { name: "Watch" }).click();
    await page.waitForURL(watch);
    ok(true, "first page: leads to a stream");
    await page.goBack();
    await page.getByRole("heading", { name: "Watch" }).waitFor();
    ok(true, "first page: and back");
    await page.goto(`${http}/watch/a/b`);
    ok(await page.getByText("There is no such page").isVisible(), "an unknown path is told so");
    await context.close();
  }

  /* a server that refuses, and a browser that can do nothing */
  {
    const { page, context } = await openPage(browser, "about:blank", { viewport: PHONE, touch: true });
    await page.route("**/live/**", (route) => route.fulfill({ status: 403, body: "" }));
    await page.goto(watch);
    await page.getByText("You may not watch this stream").waitFor();
    await noOverflow(page, "360 px, forbidden");
    await reachable(page, "360 px, forbidden");
    await context.close();
  }

  {
    const { page, context } = await openPage(browser, watch, {
      before: () => {
        for (const name of ["MediaSource", "ManagedMediaSource", "WebKitMediaSource"]) {
          Object.defineProperty(window, name, { value: undefined });
        }
        HTMLMediaElement.prototype.canPlayType = () => "";
      },
    });
    await page.getByText("This browser cannot play the stream").waitFor();
    ok(true, "a browser without MSE and HLS is told so");
    await context.close();
  }

  new Publisher(closing, need("LIVE_PUBLISH_URL"));
  await untilLive(`${http}/live/${stream}/index.m3u8`);

  {
    const { page, context, seen } = await openPage(browser, watch);
    await untilPlaying(page);
    await sleep(1500);
    await keyboard(page);
    await page.evaluate(() => localStorage.clear());
    await tabbing(page);
    await behind(page);
    is(await page.title(), `${stream} – live`, "live: the tab says so");

    await page.getByRole("button", { name: /^(Light|Dark) colours$/ }).click();
    is(await page.evaluate(() => document.documentElement.dataset.theme), "light", "dark turns light");
    await page.reload();
    is(await page.evaluate(() => document.documentElement.dataset.theme), "light", "and stays so");
    is(seen.errors.join("; "), "", "no script error");
    await context.close();
  }

  {
    const { page, context } = await openPage(browser, watch, { viewport: PHONE, touch: true });
    await untilPlaying(page);
    await noOverflow(page, "360 px, playing");
    await reachable(page, "360 px, playing");
    await page.getByRole("button", { name: "Statistics", exact: true }).tap();
    await page.getByRole("region", { name: "Statistics" }).waitFor();
    await noOverflow(page, "360 px, statistics");
    await page.getByRole("button", { name: "Close statistics" }).tap();
    await page.getByRole("button", { name: "Turn sound on" }).tap();
    is(await video(page, "muted"), false, "360 px: a finger turns the sound on");

    await until("controls hide", () => page.evaluate(() => getComputedStyle(document.querySelector(".controls")).opacity === "0"));
    ok(true, "360 px: the bar hides");
    await page.locator("video").tap({ position: { x: 180, y: 60 } });
    await until("controls show", () => page.evaluate(() => getComputedStyle(document.querySelector(".controls")).opacity === "1"));
    is(await video(page, "paused"), false, "360 px: a finger shows it, and does not pause");
    await context.close();
  }

  /* a browser that lets nothing begin with sound, and a viewer who wants sound */
  {
    const strict = await openChromium(closing, { gesture: false });
    const { page } = await openPage(strict, watch);
    const begun = await untilPlaying(page);
    is(begun.muted, true, "without a gesture: plays without sound");
    await page.evaluate(() => localStorage.setItem("live.sound", "on"));
    await page.reload();
    const again = await untilPlaying(page);
    is(again.state, "playing", "sound wanted, no gesture: plays all the same");
    ok(!again.muted || await page.getByRole("button", { name: "Turn sound on" }).isVisible(), "with sound, or a button to turn it on");
  }
});
