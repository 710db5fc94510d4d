import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOW_START_MS, STALL_MS, start, step, type Effect, type Event, type Model, type State } from "./machine";
import type { Presence } from "./presence";
import type { Tails } from "./tracks";

const TICK = 250;

/** A player without a browser: time passes when told, questions are answered by a function. */
class Bench {
  model: Model = start();
  now = 1000;
  time = 0;
  effects: Effect[] = [];
  server: () => { presence: Presence; edge: string | null; tails?: Tails } = () => ({ presence: "live", edge: null });
  flowing = false;
  ahead = 3;
  jump: number | null = null;
  live: number | null = null;
  paused = false;
  private due: number | null = null;

  constructor() {
    this.send({ kind: "begin", supported: true });
  }

  send(event: Event): Effect[] {
    const [model, effects] = step(this.model, event, this.now, () => 0.5);
    this.model = model;
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.kind === "ask") this.due = this.now + effect.after;
      if (effect.kind === "seek") { this.time = effect.to; this.jump = null; }
    }
    return effects;
  }

  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      if (this.due !== null && this.due <= this.now) {
        this.due = null;
        this.send({ kind: "answer", answer: { tails: null, ...this.server() } });
      }
      this.now += TICK;
      if (this.flowing && this.model.held === null) this.time += TICK / 1000;
      this.send({ kind: "tick", time: this.time, flowing: this.flowing, paused: this.paused, ahead: this.ahead, cushion: 1, jump: this.jump, live: this.live });
    }
  }

  count(kind: Effect["kind"]): number {
    return this.effects.filter((effect) => effect.kind === kind).length;
  }

  state(expected: State, what: string): void {
    assert.equal(this.model.state, expected, what);
  }
}

function playing(): Bench {
  const bench = new Bench();
  bench.run(TICK);
  bench.flowing = true;
  bench.run(1000);
  bench.state("playing", "plays");
  bench.effects = [];
  return bench;
}

test("a live stream is loaded once and plays when the picture moves", () => {
  const bench = new Bench();
  bench.state("checking", "asks first");
  bench.run(TICK);
  bench.state("starting", "there");
  assert.equal(bench.count("load"), 1);
  bench.flowing = true;
  bench.run(1000);
  bench.state("playing", "moves");
  assert.equal(bench.count("load"), 1);
});

test("the seek to the live edge is not yet playing", () => {
  const bench = new Bench();
  bench.run(TICK);
  bench.time = 42;
  bench.run(2000);
  bench.state("starting", "stands at the new position");
});

test("offline is asked again, and starts by itself", () => {
  const bench = new Bench();
  bench.server = () => ({ presence: "offline", edge: null });
  bench.run(10000);
  bench.state("offline", "nobody there");
  assert.equal(bench.count("load"), 0);
  assert.ok(bench.count("ask") >= 5 && bench.count("ask") <= 12, `${bench.count("ask")} questions in 10 s`);
  bench.server = () => ({ presence: "live", edge: "1" });
  bench.run(2500);
  bench.state("starting", "loaded");
  assert.equal(bench.count("load"), 1);
});

test("a stream that has just begun is loaded as soon as it has a segment", () => {
  const bench = new Bench();
  bench.server = () => ({ presence: "coming", edge: "0.1" });
  bench.run(1500);
  bench.state("starting", "begun");
  assert.equal(bench.count("load"), 0);
  bench.server = () => ({ presence: "live", edge: "0.4" });
  bench.run(750);
  assert.equal(bench.count("load"), 1);
});

test("questions become rare when nobody comes", () => {
  const bench = new Bench();
  bench.server = () => ({ presence: "offline", edge: null });
  bench.run(600000);
  bench.effects = [];
  bench.run(60000);
  assert.ok(bench.count("ask") <= 9, `${bench.count("ask")} a minute`);
});

test("each refusal has its own state", () => {
  for (const presence of ["offline", "ended", "forbidden", "unreachable"] as const) {
    const bench = new Bench();
    bench.server = () => ({ presence, edge: null });
    bench.run(1000);
    bench.state(presence, presence);
  }
});

test("a publisher who pauses: stalled, engine left alone, then on", () => {
  const bench = playing();
  bench.server = () => ({ presence: "live", edge: "7.3" });
  bench.flowing = false;
  bench.run(25000);
  bench.state("stalled", "nothing comes");
  assert.equal(bench.count("load") + bench.count("resume") + bench.count("unload") + bench.count("rebuild"), 0);
  bench.flowing = true;
  bench.run(500);
  bench.state("playing", "goes on");
  assert.equal(bench.count("load"), 0);
});

test("a publisher who comes back is noticed within two seconds of the first part", () => {
  const bench = playing();
  bench.server = () => ({ presence: "live", edge: "7.3" });
  bench.flowing = false;
  bench.ahead = 0;
  bench.run(15000);
  bench.server = () => ({ presence: "live", edge: "8.0" });
  bench.run(2000);
  assert.equal(bench.count("resume"), 1);
  assert.equal(bench.count("load"), 0);
});

test("an engine that misses what the server has gets stronger and stronger help", () => {
  const bench = playing();
  let part = 0;
  bench.server = () => ({ presence: "live", edge: `8.${part++}` });
  bench.flowing = false;
  bench.run(STALL_MS + 3000);
  assert.deepEqual(bench.effects.filter((e) => e.kind !== "ask").map((e) => e.kind), ["resume"]);
  bench.run(5000);
  assert.equal(bench.count("load"), 1);
  assert.equal(bench.count("rebuild"), 0);
  bench.run(9000);
  assert.equal(bench.count("rebuild"), 1);
  bench.run(60000);
  assert.ok(bench.count("load") <= 7, `${bench.count("load")} loads`);
});

test("a picture that moves again ends the remedies", () => {
  const bench = playing();
  let part = 0;
  bench.server = () => ({ presence: "live", edge: `8.${part++}` });
  bench.flowing = false;
  bench.run(STALL_MS + 3000);
  bench.flowing = true;
  bench.run(20000);
  bench.state("playing", "helped");
  assert.equal(bench.count("load"), 0);
});

test("ENDLIST: ended, waits, and a new broadcast is loaded in the same engine", () => {
  const bench = playing();
  bench.server = () => ({ presence: "ended", edge: "9.0" });
  bench.flowing = false;
  bench.send({ kind: "finished" });
  bench.run(20000);
  bench.state("ended", "over");
  assert.equal(bench.count("unload"), 1);
  bench.server = () => ({ presence: "live", edge: "1.0" });
  bench.run(3000);
  bench.state("starting", "a new one");
  assert.equal(bench.count("load"), 1);
  assert.equal(bench.count("rebuild"), 0);
});

test("an ended playlist that the engine did not see ends as well", () => {
  const bench = playing();
  bench.server = () => ({ presence: "ended", edge: "9.0" });
  bench.flowing = false;
  bench.run(STALL_MS + 1000);
  bench.state("ended", "over");
});

test("a stream that was watched and is gone has ended, another is offline", () => {
  const bench = playing();
  bench.server = () => ({ presence: "offline", edge: null });
  bench.flowing = false;
  bench.run(STALL_MS + 1000);
  bench.state("ended", "was watched");
});

test("a server that does not answer is waited for, with the playlists kept", () => {
  const bench = playing();
  bench.server = () => ({ presence: "unreachable", edge: null });
  bench.flowing = false;
  bench.run(STALL_MS + 1000);
  bench.state("unreachable", "no answer");
  assert.equal(bench.count("unload"), 0);
  bench.server = () => ({ presence: "live", edge: "9.9" });
  bench.run(3000);
  bench.state("stalled", "answers again");
  bench.flowing = true;
  bench.run(500);
  bench.state("playing", "and goes on");
  assert.equal(bench.count("load"), 0);
});

test("a broken connection that the picture outlives is not shown", () => {
  const bench = playing();
  bench.server = () => ({ presence: "unreachable", edge: null });
  bench.flowing = false;
  bench.run(STALL_MS - 2 * TICK);
  bench.state("playing", "still within patience");
});

test("who has run out of media waits for a cushion before going on", () => {
  const bench = playing();
  bench.flowing = false;
  bench.ahead = 0.03;
  bench.run(1000);
  assert.equal(bench.count("hold"), 1);
  bench.flowing = true;
  bench.ahead = 0.5;
  bench.run(500);
  assert.equal(bench.count("release"), 0);
  bench.ahead = 1;
  bench.run(500);
  assert.equal(bench.count("release"), 1);
  bench.run(1000);
  bench.state("playing", "goes on");
  assert.equal(bench.count("hold"), 1);
});

test("the rest of a broadcast is played out though it is less than a cushion", () => {
  const bench = playing();
  bench.flowing = false;
  bench.ahead = 0;
  bench.run(1000);
  bench.flowing = true;
  bench.ahead = 0.4;
  bench.run(2000);
  assert.equal(bench.count("release"), 1);
});

test("a pause lets go of a held picture", () => {
  const bench = playing();
  bench.flowing = false;
  bench.ahead = 0;
  bench.run(1000);
  bench.paused = true;
  bench.run(TICK);
  assert.equal(bench.count("release"), 1);
});

test("a start is not held", () => {
  const bench = new Bench();
  bench.ahead = 0;
  bench.run(3000);
  assert.equal(bench.count("hold"), 0);
});

test("a hole in the media is jumped over", () => {
  const bench = playing();
  bench.flowing = false;
  bench.jump = 60;
  bench.run(2000);
  assert.equal(bench.count("seek"), 1);
  assert.equal(bench.time, 60);
});

test("after an outage it goes on with the live picture", () => {
  const bench = playing();
  bench.flowing = false;
  bench.ahead = 0;
  bench.live = bench.time - 0.5;
  bench.run(20000);
  assert.equal(bench.count("seek"), 0);
  bench.live = bench.time + 18;
  bench.run(500);
  assert.equal(bench.count("seek"), 1);
  assert.equal(bench.time, bench.live);
});

test("who paused goes on where he was", () => {
  const bench = playing();
  bench.live = bench.time;
  bench.paused = true;
  bench.flowing = false;
  bench.run(15000);
  bench.live += 15;
  bench.paused = false;
  bench.flowing = true;
  bench.run(5000);
  assert.equal(bench.count("seek"), 0);
});

test("media errors: recovered twice, then another engine", () => {
  const bench = playing();
  bench.send({ kind: "failed", fault: "media" });
  bench.send({ kind: "failed", fault: "media" });
  assert.equal(bench.count("recover"), 2);
  bench.send({ kind: "failed", fault: "media" });
  assert.equal(bench.count("rebuild"), 1);
  bench.run(5000);
  assert.equal(bench.count("load"), 1);
});

test("a network error reloads at once, and not in a tight loop when it comes back", () => {
  const bench = playing();
  bench.server = () => ({ presence: "live", edge: "1" });
  for (let i = 0; i < 40; i++) {
    bench.send({ kind: "failed", fault: "network" });
    bench.run(TICK);
  }
  assert.ok(bench.count("load") >= 2 && bench.count("load") <= 10, `${bench.count("load")} loads in 10 s`);
});

const MEDIA = { gap: 0, media: 5 };
const GAPS = { gap: 5, media: 0 };

test("sound that stops: on without it, and with it when it is back", () => {
  const bench = playing();
  let tails: Tails = { video: MEDIA, audio: GAPS };
  bench.server = () => ({ presence: "live", edge: "1", tails });
  bench.flowing = false;
  bench.ahead = 0;
  bench.run(1000);
  assert.equal(bench.model.missing, "audio");
  assert.equal(bench.count("load"), 1);
  bench.flowing = true;
  bench.ahead = 2;
  bench.run(12000);
  bench.state("playing", "without sound");
  assert.equal(bench.count("load"), 1);
  assert.ok(bench.count("ask") <= 5, `${bench.count("ask")} questions`);
  tails = { video: MEDIA, audio: MEDIA };
  bench.run(6000);
  assert.equal(bench.model.missing, null);
  assert.equal(bench.count("load"), 2);
});

test("a page opened while the sound is gone begins without it", () => {
  const bench = new Bench();
  bench.server = () => ({ presence: "live", edge: "1", tails: { video: MEDIA, audio: GAPS } });
  bench.run(TICK);
  assert.equal(bench.model.missing, "audio");
  assert.equal(bench.count("load"), 1);
});

test("a new broadcast has all its tracks again", () => {
  const bench = new Bench();
  bench.server = () => ({ presence: "live", edge: "1", tails: { video: MEDIA, audio: GAPS } });
  bench.run(TICK);
  bench.flowing = true;
  bench.run(1000);
  bench.send({ kind: "finished" });
  bench.server = () => ({ presence: "live", edge: "1", tails: { video: MEDIA, audio: MEDIA } });
  bench.run(3000);
  assert.equal(bench.model.missing, null);
});

test("a codec that the browser does not have ends it", () => {
  const bench = new Bench();
  bench.run(TICK);
  bench.send({ kind: "failed", fault: "codec" });
  bench.run(5000);
  bench.state("unsupported", "said so");
});

test("a browser without any of it is told", () => {
  const [model, effects] = step(start(), { kind: "begin", supported: false }, 0);
  assert.equal(model.state, "unsupported");
  assert.deepEqual(effects, []);
});

test("a viewer's pause is no stall", () => {
  const bench = playing();
  bench.flowing = false;
  bench.paused = true;
  bench.run(60000);
  bench.state("playing", "paused is not stalled");
  assert.equal(bench.effects.length, 0);
});

test("a slow start asks for a second opinion", () => {
  const bench = new Bench();
  bench.run(TICK);
  bench.effects = [];
  bench.run(SLOW_START_MS - 2 * TICK);
  assert.equal(bench.count("ask"), 0);
  bench.run(4 * TICK);
  assert.ok(bench.count("ask") >= 1);
});

test("who comes back is not kept waiting", () => {
  const bench = new Bench();
  bench.server = () => ({ presence: "offline", edge: null });
  bench.run(600000);
  bench.server = () => ({ presence: "live", edge: "1" });
  bench.send({ kind: "wake" });
  bench.run(TICK);
  bench.state("starting", "at once");
});
