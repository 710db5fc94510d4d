import assert from "node:assert/strict";
import { test } from "node:test";
import { beginOf, BitRate, clock, ServerClock } from "./measure";

test("a bit rate is the sum of its kinds, over the newest seconds", () => {
  const rate = new BitRate(2);
  assert.equal(rate.get(), null);
  rate.add("main", 1, 100);
  for (let i = 0; i < 4; i++) {
    rate.add("main", 125000, 0.5);
    rate.add("audio", 8000, 0.5);
  }
  assert.equal(rate.get(), 2000000 + 128000);
  rate.clear();
  assert.equal(rate.get(), null);
});

test("parts without a duration do not count", () => {
  const rate = new BitRate();
  rate.add("main", 1000, 0);
  rate.add("main", 1000, Number.NaN);
  assert.equal(rate.get(), null);
});

test("clocks that differ by less than a second are left alone", () => {
  const server = new ServerClock();
  assert.equal(server.since(8000, 10000), 2);
  server.add(9700, 10000);
  assert.equal(server.since(8000, 10000), 2);
});

test("a wrong clock is seen by the smallest lag, and taken out", () => {
  for (const wrong of [-3600000, 90000]) {
    const server = new ServerClock();
    server.add(1000000, 1000000 + wrong + 400);
    server.add(1000500, 1000500 + wrong + 20);
    server.add(Number.NaN, 0);
    assert.equal(Math.round(server.since(999000, 1001000 + wrong)), 2);
  }
});

test("a latency is never negative", () => {
  assert.equal(new ServerClock().since(2000, 1000), 0);
});

test("the epoch in a media URL tells when the broadcast began", () => {
  const now = Date.UTC(2026, 10, 24, 12);
  const began = now - 3600000;
  const epoch = began.toString(36) + "0z9k";
  assert.equal(beginOf(`http://h/live/s/v/${epoch}-init1.mp4`, now), began);
  assert.equal(beginOf(`http://h/live/s/v/${epoch}-12.3.m4s?s=1`, now), began);
  assert.equal(beginOf(`http://h/live/s/v/${epoch}-12.m4s`, now), began);
});

test("other names tell nothing", () => {
  const now = Date.UTC(2026, 10, 24, 12);
  for (const url of ["http://h/live/s/v/seg12.m4s", "http://h/v/init.mp4", "", "http://h/v/zzzzzzzzz0000-1.m4s"]) {
    assert.equal(beginOf(url, now), null, url);
  }
});

test("a time is written as people write it", () => {
  assert.equal(clock(0), "0:00");
  assert.equal(clock(245.9), "4:05");
  assert.equal(clock(3723), "1:02:03");
  assert.equal(clock(-5), "0:00");
});
