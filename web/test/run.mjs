// Compiles the unit tests as Vite compiles the pages, then node's own runner runs them.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));

function tests(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return tests(path);
    return entry.name.endsWith(".test.ts") ? [path] : [];
  });
}

const input = Object.fromEntries(tests(join(root, "src")).map((path) => [basename(path, ".ts"), path]));
const outDir = mkdtempSync(join(tmpdir(), "live-web-"));

try {
  await build({
    root,
    configFile: false,
    logLevel: "warn",
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir,
      emptyOutDir: true,
      rollupOptions: { input, output: { entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" } },
    },
  });

  const files = Object.keys(input).map((name) => join(outDir, `${name}.mjs`));
  const reporter = process.argv.includes("--tap") ? "tap" : "spec";
  const run = spawnSync(process.execPath, ["--test", `--test-reporter=${reporter}`, ...files], { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(outDir, { recursive: true, force: true });
}
