// Debian's Chromium by playwright-core, Debian's Firefox ESR by puppeteer-core.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium as playwright } from "playwright-core";

const CHROMIUM = process.env.LIVE_CHROMIUM ?? "/usr/bin/chromium";
const FIREFOX = process.env.LIVE_FIREFOX ?? "/usr/bin/firefox-esr";

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 740 };

export function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

export async function until(what, condition, timeout = 10000, every = 50) {
  const end = Date.now() + timeout;
  let last;
  for (;;) {
    last = await condition();
    if (last) return last;
    if (Date.now() > end) throw new Error(`not within ${timeout / 1000} s: ${what}`);
    await new Promise((done) => setTimeout(done, every));
  }
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

let wishes = 0;

/** Asks who runs this test to do something to the server: reload upgrade kill freeze thaw. */
export async function server(verb) {
  const file = `${need("LIVE_WISHES")}${++wishes}`;
  console.log(`@ ${verb} ${wishes}`);
  await until(`server: ${verb}`, () => existsSync(file), 40000);
}

/** gesture: media may begin with sound, as after a viewer's click. */
export async function openChromium(closing, { gesture = true } = {}) {
  const args = [
    "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-features=MediaRouter,OptimizationHints,Translate",
  ];
  if (gesture) args.push("--autoplay-policy=no-user-gesture-required");

  const browser = await playwright.launch({
    executablePath: CHROMIUM,
    headless: true,
    /* containers seldom let it make one, and it sees our pages alone */
    chromiumSandbox: false,
    ignoreDefaultArgs: ["--mute-audio", "--headless", "--hide-scrollbars"],
    args,
  });
  closing(() => browser.close());
  return browser;
}

/** A page that notes its script errors and its loads. before: a script that runs before the page's own. */
export async function openPage(browser, url, { viewport = DESKTOP, colorScheme = "dark", touch = false, before } = {}) {
  const context = await browser.newContext({
    viewport, colorScheme, hasTouch: touch, isMobile: touch, ignoreHTTPSErrors: true,
  });
  if (before) await context.addInitScript(before);
  const page = await context.newPage();
  const seen = { errors: [], loads: 0 };

  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("load", () => seen.loads++);

  await page.goto(url);
  return { page, context, seen };
}

/** What the player and its element say, at one moment. */
export function look(page) {
  return page.evaluate(look.source);
}

look.source = `(() => {
  const video = document.querySelector("video");
  const live = window.__live;
  const quality = video && video.getVideoPlaybackQuality();
  return {
    at: performance.now(),
    id: live ? live.id : null,
    engines: live ? live.engines : null,
    state: live ? live.state : null,
    latency: live ? live.latency() : null,
    behind: live ? live.isBehind() : null,
    time: video ? video.currentTime : null,
    end: video && video.buffered.length ? video.buffered.end(video.buffered.length - 1) : 0,
    paused: video ? video.paused : null,
    muted: video ? video.muted : null,
    width: video ? video.videoWidth : null,
    height: video ? video.videoHeight : null,
    error: video && video.error ? video.error.message : null,
    dropped: quality ? quality.droppedVideoFrames : null,
    corrupted: quality ? quality.corruptedVideoFrames : null,
    frames: quality ? quality.totalVideoFrames : null,
    audio: video ? video.webkitAudioDecodedByteCount : null,
    stats: live ? live.stats() : null,
  };
})()`;

export async function untilPlaying(page, timeout = 15000) {
  let last;
  try {
    return await until("playing", async () => {
      last = await look(page);
      return last.state === "playing" && last.time > 0 ? last : null;
    }, timeout);
  } catch (error) {
    throw new Error(`${error.message}; ${JSON.stringify(last)}`);
  }
}

export async function openFirefox(closing) {
  const { default: puppeteer } = await import("puppeteer-core");
  const profile = mkdtempSync(join(tmpdir(), "live-firefox-"));
  closing(() => rmSync(profile, { recursive: true, force: true }));

  const browser = await puppeteer.launch({
    browser: "firefox",
    protocol: "webDriverBiDi",
    executablePath: FIREFOX,
    headless: true,
    acceptInsecureCerts: true,
    /* older releases cannot be told a viewport */
    args: ["--width=1280", "--height=800"],
    defaultViewport: null,
    userDataDir: profile,
    extraPrefsFirefox: {
      "media.autoplay.default": 0,
      "media.hardware-video-decoding.enabled": false,
      "media.gmp-manager.updateEnabled": false,
      "app.update.auto": false,
      "datareporting.policy.dataSubmissionEnabled": false,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
    },
  });
  closing(() => browser.close());
  return browser;
}
