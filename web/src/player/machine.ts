// What the player is doing and what it should do next: no video element, no network and
// no clock of its own, so that each way a stream can break is a unit test.
//
//   checking ──live──▶ starting ──picture moves──▶ playing ◀──moves── stalled
//      │                  ▲                          │  └──still──▶      │
//      └─▶ offline / ended / forbidden / unreachable ◀── gone, ENDLIST, no answer
//               └── asked again and again; live ──▶ starting
//
// While the playlists are loaded the engine (hls.js) is left alone as long as it may help
// itself. A second opinion is asked for on the side: only when the server has published
// something new while the picture stands still is a remedy tried, each stronger than the one
// before. The first just makes the engine look now: after a few seconds of nothing
// it asks for playlists only once in a target duration.

import { askDelay, COMING_MS, type Answer, type Presence } from "./presence";
import { missingOf, type Kind } from "./tracks";

export type State =
  | "checking"      // first question to the server
  | "offline"       // no such stream now
  | "ended"         // it was there, and its broadcast is over
  | "forbidden"     // the server refuses to show it
  | "unreachable"   // the server does not answer
  | "starting"      // the stream is there, no picture yet
  | "playing"
  | "stalled"       // was playing, nothing comes
  | "unsupported";  // this browser cannot play it

/** codec: this browser cannot decode the stream, and never will. */
export type Fault = "media" | "network" | "codec" | "other";

export type Event =
  | { kind: "begin"; supported: boolean }
  | { kind: "answer"; answer: Answer }
  /**
   * A few times a second. flowing: the element could play at this time, and is not seeking;
   * ahead: seconds of media from here on; cushion: as many as there should be;
   * jump: where buffered media begins again behind a hole in which the picture stands;
   * live: where the live picture is, by the newest playlist.
   */
  | {
    kind: "tick"; time: number; flowing: boolean; paused: boolean; ahead: number; cushion: number;
    jump: number | null; live: number | null;
  }
  | { kind: "finished" }
  | { kind: "failed"; fault: Fault }
  /** The viewer, the browser's network or its tab has come back. */
  | { kind: "wake" };

export type Effect =
  | { kind: "ask"; after: number }
  | { kind: "load" }               // the stream's playlists from the beginning, same engine, without model.missing
  | { kind: "resume" }             // the engine's loading, where the picture is
  | { kind: "recover" }            // the media pipeline, playlists kept
  | { kind: "rebuild" }            // another engine; the next load uses it
  | { kind: "unload" }             // stop loading; the last picture stays
  | { kind: "seek"; to: number }
  | { kind: "hold" }               // speed 0: what comes is kept until it is enough
  | { kind: "release" };

export interface Model {
  state: State;
  /** The engine has this stream's playlists, or is fetching them. */
  loaded: boolean;
  /** A question is under way or has its time. */
  asking: boolean;
  attempt: number;
  time: number;
  moved: number;
  jumped: number;
  /** Since when the picture is held for want of media, and how much there was; null: it is not. */
  held: { since: number; ahead: number; grown: number } | null;
  /** The track that has stopped and is done without. */
  missing: Kind | null;
  checked: number;
  edge: string | null;
  /** Answers with something new while the picture stood still. */
  news: number;
  remedy: number;
  remedied: number;
  faults: number[];
  played: boolean;
}

export const STALL_MS = 2500;
export const JUMP_MS = 1000;      // the engine jumps by itself, mostly sooner
export const SLOW_START_MS = 4000;
export const MISSED = 2;           // seconds
export const HOLD_MS = 200;
const GROWN_MS = 1200;
const CHECK_MS = 5000;
const REMEDY_MS = 4000;
const MAX_REMEDY_MS = 20000;
const FAULT_WINDOW_MS = 15000;

export function start(): Model {
  return {
    state: "checking", loaded: false, asking: false, attempt: 0, time: -1, moved: 0, jumped: 0,
    held: null, missing: null, checked: 0, edge: null, news: 0, remedy: 0, remedied: 0, faults: [], played: false,
  };
}

type Step = [Model, Effect[]];

const REMEDIES: Effect[][] = [[{ kind: "resume" }], [{ kind: "load" }], [{ kind: "rebuild" }, { kind: "load" }]];

function askAgain(model: Model, effects: Effect[] = [], random?: () => number): Step {
  const after = askDelay(model.attempt, random);
  return [{ ...model, asking: true, attempt: model.attempt + 1 }, [...effects, { kind: "ask", after }]];
}

function askNow(model: Model, effects: Effect[] = []): Step {
  return [{ ...model, asking: true }, [...effects, { kind: "ask", after: 0 }]];
}

function load(model: Model, now: number, state: State = "starting"): Step {
  const next: Model = {
    ...model, state, loaded: true, asking: false, attempt: 0,
    time: -1, moved: now, checked: now, held: null, news: 0, remedy: 0, edge: null,
  };
  return [next, [{ kind: "load" }]];
}

/** Away from the stream, to wait for it. */
function leave(model: Model, presence: Exclude<Presence, "live" | "coming">, random?: () => number): Step {
  const over = presence === "offline" && model.played ? "ended" : presence;
  const next: Model = { ...model, state: over, loaded: false, held: null };
  return askAgain(next, model.loaded ? [{ kind: "unload" }] : [], random);
}

function answered(model: Model, answer: Answer, now: number, random?: () => number): Step {
  const { presence, edge } = answer;
  const m: Model = { ...model, asking: false };

  if (!m.loaded) {
    if (presence === "live") return load({ ...m, missing: missingOf(answer.tails, null) }, now);
    if (presence !== "coming") return leave(m, presence, random);
    return [{ ...m, state: "starting", asking: true, attempt: 0 }, [{ kind: "ask", after: COMING_MS }]];
  }

  if (presence === "live") {
    const missing = missingOf(answer.tails, m.missing);
    if (missing !== m.missing) return load({ ...m, missing }, now, m.state);
  }

  /* it helped itself while the question was under way */
  if (m.state === "playing" && m.held === null) return [m, []];

  switch (presence) {
    case "live":
    case "coming": break;
    case "unreachable": return askAgain({ ...m, state: "unreachable" }, [], random);
    default: return leave(m, presence, random);
  }

  const state = m.state === "unreachable" ? (m.played ? "stalled" : "starting") : m.state;
  const isNew = edge !== null && m.edge !== null && edge !== m.edge;
  const next: Model = { ...m, state, edge, news: isNew ? m.news + 1 : m.news };

  /* the last remedy has its time to work, a stronger one more of it */
  const early = now - m.remedied < Math.min(m.remedy * REMEDY_MS, MAX_REMEDY_MS);

  if (next.news < (m.remedy === 0 ? 1 : 2) || early) {
    return askAgain({ ...next, attempt: isNew || m.edge === null ? 0 : next.attempt }, [], random);
  }

  const remedy = REMEDIES[Math.min(next.remedy, REMEDIES.length - 1)] ?? [];
  const helped: Model = { ...next, news: 0, attempt: 1, time: -1, remedy: next.remedy + 1, remedied: now };
  return askAgain(helped, remedy, random);
}

type Tick = Extract<Event, { kind: "tick" }>;

/*
 * Who has run out of media at the live edge would go on with each part as it comes, and stop
 * behind each. So it waits for a few, or for what there is if no more comes.
 */
function holding(model: Model, event: Tick, now: number): Step | null {
  const { held } = model;

  if (held === null) {
    const out = model.state !== "starting" && event.ahead < 0.1 && now - model.moved >= HOLD_MS;
    return out ? [{ ...model, held: { since: now, ahead: event.ahead, grown: now } }, [{ kind: "hold" }]] : null;
  }

  const grown = event.ahead > held.ahead ? now : held.grown;

  if (event.ahead >= event.cushion || (event.ahead >= 0.2 && now - grown >= GROWN_MS)) {
    return [{ ...model, held: null }, [{ kind: "release" }]];
  }

  return [{ ...model, held: { ...held, ahead: event.ahead, grown } }, []];
}

function ticked(model: Model, event: Tick, now: number): Step {
  if (!model.loaded) return [model, []];

  if (event.paused) {
    return [{ ...model, time: event.time, moved: now, held: null }, model.held ? [{ kind: "release" }] : []];
  }

  const [next, effects] = holding(model, event, now) ?? [model, []];
  const [last, more] = moving(next, event, now);
  const all = [...effects, ...more];

  /* what the server has when media runs out is what later answers are compared with */
  const out = model.held === null && last.held !== null && !last.asking;
  return out ? askNow({ ...last, attempt: 0, edge: null, news: 0 }, all) : [last, all];
}

function moving(model: Model, event: Tick, now: number): Step {
  const still = now - model.moved;

  /* what was missed while nothing came is missed: on with the live picture */
  const missed = event.live !== null && event.time >= 0 && event.live - event.time > MISSED;

  if (missed && model.state !== "starting" && still >= JUMP_MS && now - model.jumped >= 2 * JUMP_MS) {
    return [{ ...model, jumped: now }, [{ kind: "seek", to: event.live ?? event.time }]];
  }

  /* a seek, or the first sight of a position, is not a movement */
  if (event.time !== model.time && (!event.flowing || model.time < 0 || event.time < model.time)) {
    return [{ ...model, time: event.time }, []];
  }

  if (event.time > model.time) {
    const next: Model = {
      ...model, state: "playing", played: true, time: event.time, moved: now,
      attempt: 0, news: 0, remedy: 0, edge: null,
    };

    /* is the missing track back? */
    const due = model.missing !== null && !model.asking && now - model.checked >= CHECK_MS;
    return due ? askNow({ ...next, checked: now }) : [next, []];
  }

  if (event.jump !== null && still >= JUMP_MS && now - model.jumped >= JUMP_MS) {
    return [{ ...model, jumped: now }, [{ kind: "seek", to: event.jump }]];
  }

  const patience = model.state === "starting" ? SLOW_START_MS : STALL_MS;
  if (still < patience) return [model, []];

  const next: Model = model.state === "playing" ? { ...model, state: "stalled" } : model;
  return next.asking ? [next, []] : askNow({ ...next, attempt: 0 });
}

function failed(model: Model, fault: Fault, now: number, random?: () => number): Step {
  if (!model.loaded) return [model, []];
  if (fault === "codec") return [{ ...model, state: "unsupported", loaded: false }, [{ kind: "unload" }]];

  const faults = [...model.faults.filter((at) => now - at < FAULT_WINDOW_MS), now];
  const m: Model = { ...model, faults };

  if (fault === "media" && faults.length <= 2) return [m, [{ kind: "recover" }]];

  const state: State = model.state === "playing" ? "stalled" : model.state;
  const away: Effect[] = fault === "network" ? [{ kind: "unload" }] : [{ kind: "unload" }, { kind: "rebuild" }];
  const next: Model = { ...m, state, loaded: false, held: null, attempt: faults.length - 1 };

  return faults.length === 1 ? askNow(next, away) : askAgain(next, away, random);
}

/** One step. now: milliseconds on any clock that only goes forward. */
export function step(model: Model, event: Event, now: number, random?: () => number): Step {
  if (model.state === "unsupported") return [model, []];

  switch (event.kind) {
    case "begin":
      return event.supported ? askNow(model) : [{ ...model, state: "unsupported" }, []];

    case "answer":
      return answered(model, event.answer, now, random);

    case "tick":
      return ticked(model, event, now);

    case "finished":
      return model.loaded ? leave({ ...model, attempt: 0 }, "ended", random) : [model, []];

    case "failed":
      return failed(model, event.fault, now, random);

    case "wake":
      return model.state === "playing" || model.state === "starting" ? [model, []]
        : askNow({ ...model, attempt: 0 });
  }
}
