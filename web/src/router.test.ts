import assert from "node:assert/strict";
import { test } from "node:test";
import { match, watchPath } from "./router";

test("the first page", () => {
  for (const path of ["/", "/watch", "/watch/"]) assert.deepEqual(match(path), { page: "home" }, path);
});

test("a stream's page", () => {
  assert.deepEqual(match("/watch/demo"), { page: "watch", stream: "demo" });
  assert.deepEqual(match("/watch/demo/"), { page: "watch", stream: "demo" });
  assert.deepEqual(match("/watch/a%20b"), { page: "watch", stream: "a b" });
});

test("anything else is lost, and says so", () => {
  for (const path of ["/watch/a/b", "/other", "/watch/%E0%A4%A"]) {
    assert.deepEqual(match(path), { page: "lost", path }, path);
  }
});

test("a name survives its path", () => {
  for (const stream of ["demo", "a b", "ä/ö", "100%"]) assert.deepEqual(match(watchPath(stream)), { page: "watch", stream });
});
