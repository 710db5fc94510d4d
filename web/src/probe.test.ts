import assert from "node:assert/strict";
import { test } from "node:test";
import { firstMediaPlaylist, isEnded, probe, probeDelay } from "./probe.ts";

const multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n";

function server(answers: Record<string, [number, string]>): typeof fetch {
  return (async (input: URL | string) => {
    const answer = answers[String(input)];
    if (!answer) throw new TypeError("network");
    return new Response(answer[1], { status: answer[0] });
  }) as typeof fetch;
}

const url = "http://h/live/s/index.m3u8";
const media = "http://h/live/s/v.m3u8";

test("a media playlist is found behind the tags", () => {
  assert.equal(firstMediaPlaylist(multivariant), "v.m3u8");
  assert.equal(firstMediaPlaylist("#EXTM3U\n"), null);
});

test("ENDLIST ends", () => {
  assert.equal(isEnded("#EXTM3U\n#EXT-X-ENDLIST\n"), true);
  assert.equal(isEnded("#EXTM3U\n"), false);
});

test("live, ended, offline and unreachable are told apart", async () => {
  assert.equal(await probe(url, server({ [url]: [200, multivariant], [media]: [200, "#EXTM3U\n"] })), "live");
  assert.equal(await probe(url, server({ [url]: [200, multivariant], [media]: [200, "#EXT-X-ENDLIST"] })), "ended");
  assert.equal(await probe(url, server({ [url]: [404, ""] })), "offline");
  assert.equal(await probe(url, server({ [url]: [410, ""] })), "offline");
  assert.equal(await probe(url, server({ [url]: [503, ""] })), "offline");
  assert.equal(await probe(url, server({ [url]: [502, ""] })), "unreachable");
  assert.equal(await probe(url, server({})), "unreachable");
});

test("questions come soon at first, never above 3.2 s in the first minute, and spread", () => {
  for (let attempt = 0; attempt < 20; attempt++) {
    for (const r of [0, 0.5, 1]) {
      const ms = probeDelay(attempt, () => r);
      assert.ok(ms >= 700 && ms <= 3200, `${attempt}: ${ms}`);
    }
  }
  assert.notEqual(probeDelay(5, () => 0), probeDelay(5, () => 1));
});
