// An encoder: ffmpeg with a test picture and a tone, at real time.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep } from "./browsers.mjs";
import { diag } from "./tap.mjs";

const DEFAULTS = {
  size: "640x360", fps: 30, gop: 1,
  video: true, audio: true,
  file: null,                    // a recording to send instead
  tone: 440,
};

function argumentsOf(url, o) {
  const input = [];
  const output = [];

  if (o.file) {
    input.push("-re", "-i", o.file);
    output.push("-c", "copy");
  }

  if (o.video && !o.file) {
    input.push("-re", "-f", "lavfi", "-i", `testsrc2=size=${o.size}:rate=${o.fps}`);
    output.push(
      "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-profile:v", "baseline",
      "-g", String(Math.max(1, Math.round(o.gop * o.fps))), "-sc_threshold", "0", "-b:v", "700k", "-threads", "1",
    );
  }

  if (o.audio && !o.file) {
    input.push("-re", "-f", "lavfi", "-i", `sine=frequency=${o.tone}:sample_rate=48000`);
    output.push("-c:a", "aac", "-b:a", "96k", "-ac", "2");
  }

  return [
    "-hide_banner", "-loglevel", "error", "-nostdin", ...input, ...output,
    /* a medium that has stopped must not hold the other back */
    "-max_interleave_delta", "100000", "-f", "flv", "-flvflags", "no_duration_filesize", url,
  ];
}

export class Publisher {
  constructor(closing, url, options = {}) {
    this.log = "";
    this.started = Date.now();
    this.child = spawn("ffmpeg", argumentsOf(url, { ...DEFAULTS, ...options }), { stdio: ["ignore", "ignore", "pipe"] });
    this.child.stderr.on("data", (data) => { this.log += data; });
    this.done = new Promise((resolve) => this.child.on("exit", resolve));
    closing(() => this.kill());
  }

  /** As a broadcaster who presses stop. */
  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGINT");
    await this.done;
  }

  /** As one whose computer is switched off. */
  async kill() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    await this.done;
    if (this.log.trim()) diag(`ffmpeg: ${this.log.trim().split("\n").slice(-3).join("\n")}`);
  }
}

/** Waits until a multivariant playlist is there. */
export async function untilLive(hls, timeout = 15000) {
  for (const end = Date.now() + timeout; Date.now() < end; await sleep(100)) {
    const answer = await fetch(hls).catch(() => null);
    if (answer?.ok) return;
    await answer?.text();
  }
  throw new Error(`no stream at ${hls} within ${timeout / 1000} s`);
}


/**
 * Remembers what a stream has now. The function returned waits for something newer and gives
 * the date, ms, of the frame that it begins with: one part before it could be seen.
 */
export async function firstNews(hls, part = 500, track = "v") {
  const newest = async () => {
    const answer = await fetch(new URL(`${track}.m3u8`, hls)).catch(() => null);
    const text = answer?.ok ? await answer.text() : "";
    if (text.includes("#EXT-X-ENDLIST")) return null;
    return text.match(/^#EXT-X-PART:.*URI="[^"]*"/gm)?.pop() ?? null;
  };

  const old = [await newest()];

  return async (timeout = 20000) => {
    for (const end = Date.now() + timeout; Date.now() < end; await sleep(40)) {
      const now = await newest();
      if (now === null || now === old[0]) continue;
      return Date.now() - part;
    }
    throw new Error(`nothing new at ${hls} within ${timeout / 1000} s`);
  };
}

/** A recording of some seconds whose sound has no packets from one second to another. */
export function recordSilence(closing, seconds, from, to) {
  const dir = mkdtempSync(join(tmpdir(), "live-recording-"));
  closing(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "silence.flv");

  const made = spawnSync("ffmpeg", [
    "-hide_banner", "-loglevel", "error", "-nostdin",
    "-f", "lavfi", "-i", `testsrc2=size=640x360:rate=30:duration=${seconds}`,
    "-f", "lavfi", "-i", `sine=frequency=440:sample_rate=48000:duration=${seconds}`,
    "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "30",
    "-c:a", "aac", "-af", `aselect='not(between(t,${from},${to}))'`,
    "-max_interleave_delta", "0", "-f", "flv", file,
  ], { encoding: "utf8" });

  if (made.status !== 0) throw new Error(`ffmpeg: ${made.stderr}`);
  return file;
}
