import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, askDelay, edgeOf, firstUri, isEnded } from "./presence";

const multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n";
const playlist = "#EXTM3U\n#EXTINF:2,\nv/1-7.m4s\n#EXT-X-PART:DURATION=0.5,URI=\"v/1-8.0.m4s\"\n"
  + "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"v/1-8.1.m4s\"\n";

function server(answers: Record<string, [number, string]>): typeof fetch {
  return (async (input: RequestInfo | URL) => {
    const answer = answers[String(input)];
    if (!answer) throw new TypeError("network");
    return new Response(answer[1], { status: answer[0] });
  }) as typeof fetch;
}

const url = "http://h/live/s/index.m3u8";
const media = "http://h/live/s/v.m3u8";

test("a media playlist is found behind the tags", () => {
  assert.equal(firstUri(multivariant), "v.m3u8");
  assert.equal(firstUri("#EXTM3U\r\n\r\nv.m3u8\r\n"), "v.m3u8");
  assert.equal(firstUri("#EXTM3U\n"), null);
});

test("only the tag ends a playlist", () => {
  assert.equal(isEnded("#EXTM3U\n#EXT-X-ENDLIST\n"), true);
  assert.equal(isEnded("#EXTM3U\n#EXTINF:1,#EXT-X-ENDLIST\n"), false);
});

test("the edge is the newest part or segment, not the one hinted at", () => {
  assert.equal(edgeOf(playlist), '#EXT-X-PART:DURATION=0.5,URI="v/1-8.0.m4s"');
  assert.equal(edgeOf("#EXTM3U\n#EXTINF:2,\nv/1-7.m4s\n#EXT-X-ENDLIST\n"), "v/1-7.m4s");
  assert.equal(edgeOf("#EXTM3U\n"), null);
});

test("live, ended, offline, forbidden and unreachable are told apart", async () => {
  const presence = async (answers: Record<string, [number, string]>) => (await ask(url, server(answers))).presence;

  assert.equal(await presence({ [url]: [200, multivariant], [media]: [200, playlist] }), "live");
  assert.equal(await presence({ [url]: [200, multivariant], [media]: [200, "#EXTM3U\n#EXT-X-ENDLIST"] }), "ended");
  assert.equal(await presence({ [url]: [200, multivariant], [media]: [200, '#EXTM3U\n#EXT-X-PART:DURATION=0.5,URI="0.0.m4s"\n'] }), "coming");
  for (const status of [404, 410, 503]) {
    assert.equal(await presence({ [url]: [status, ""] }), "offline");
    assert.equal(await presence({ [url]: [200, multivariant], [media]: [status, ""] }), "offline");
  }
  assert.equal(await presence({ [url]: [401, ""] }), "forbidden");
  assert.equal(await presence({ [url]: [403, ""] }), "forbidden");
  assert.equal(await presence({ [url]: [502, ""] }), "unreachable");
  assert.equal(await presence({ [url]: [200, multivariant] }), "unreachable");
  assert.equal(await presence({}), "unreachable");
});

test("of a stream with sound both playlists are looked at", async () => {
  const both = '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="a.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\nv.m3u8\n';
  const silent = '#EXTM3U\n#EXTINF:2,\na/1-7.m4s\n#EXT-X-PART:DURATION=0.5,URI="a/1-8.0.m4s",GAP=YES\n';
  const answers: Record<string, [number, string]> = { [url]: [200, both], [media]: [200, playlist] };

  assert.equal((await ask(url, server({ ...answers, "http://h/live/s/a.m3u8": [404, ""] }))).tails, null);
  assert.deepEqual((await ask(url, server({ ...answers, "http://h/live/s/a.m3u8": [200, silent] }))).tails,
    { video: { gap: 0, media: 0.5 }, audio: { gap: 0.5, media: 0 } });
});

test("a page that is no playlist is no stream", async () => {
  assert.equal((await ask(url, server({ [url]: [200, "<!doctype html>\n<p>hello"] }))).presence, "offline");
});

test("in the first minute a question comes every other second or so, after some every ten", () => {
  for (let attempt = 0; attempt < 500; attempt++) {
    for (const r of [0, 0.5, 1]) {
      const ms = askDelay(attempt, () => r);
      assert.ok(ms >= 750, `${attempt}: ${ms}`);
      assert.ok(ms <= (attempt < 40 ? 1800 : attempt < 100 ? 3200 : 10000), `${attempt}: ${ms}`);
    }
  }
});

test("questions of many viewers spread", () => {
  assert.notEqual(askDelay(5, () => 0), askDelay(5, () => 0.9));
});
