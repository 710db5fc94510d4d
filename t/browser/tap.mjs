// TAP on stdout; what a test says besides goes to stderr.

let number = 0;
let failed = 0;

export function ok(passed, name, ...notes) {
  number++;
  if (!passed) failed++;
  console.log(`${passed ? "ok" : "not ok"} ${number} - ${name.replace(/#/g, "\\#")}`);
  if (!passed) for (const note of notes) diag(note);
  return passed;
}

export function is(got, expected, name) {
  return ok(Object.is(got, expected), name, `got: ${JSON.stringify(got)}`, `expected: ${JSON.stringify(expected)}`);
}

export function atMost(got, limit, name) {
  return ok(typeof got === "number" && got <= limit, `${name} (${round(got)} <= ${limit})`);
}

export function atLeast(got, limit, name) {
  return ok(typeof got === "number" && got >= limit, `${name} (${round(got)} >= ${limit})`);
}

export function note(text) {
  for (const line of String(text).split("\n")) console.log(`# ${line}`);
}

export function diag(text) {
  for (const line of String(text).split("\n")) console.error(`# ${line}`);
}

function round(n) {
  return typeof n === "number" ? Math.round(n * 1000) / 1000 : n;
}

/** Runs a test program, closes what it opened whatever happens, prints the plan, sets the exit code. */
export async function run(body) {
  const closers = [];
  try {
    await body((close) => closers.push(close));
  } catch (error) {
    ok(false, "the test itself", error?.stack ?? error);
  }
  for (const close of closers.reverse()) {
    try {
      await close();
    } catch (error) {
      diag(`while closing: ${error?.message ?? error}`);
    }
  }
  console.log(`1..${number}`);
  process.exit(failed ? 1 : 0);
}
