// The states of the player in plain words.

import type { IconName } from "../icons";
import type { State } from "./machine";

export interface Words {
  /** For the tab's title and the line below the picture. */
  short: string;
  title: string;
  text: string;
  /** null: something is going on, a spinner says so. */
  icon: IconName | null;
  /** The viewer may ask again at once. */
  retry?: boolean;
}

export const WORDS: Record<Exclude<State, "playing">, Words> = {
  checking: {
    short: "One moment", title: "One moment", icon: null,
    text: "Looking for the stream.",
  },
  offline: {
    short: "Offline", title: "Offline", icon: "offline",
    text: "Nobody is broadcasting here right now. The stream will start by itself; just leave this page open.",
  },
  ended: {
    short: "Ended", title: "The broadcast has ended", icon: "offline",
    text: "If the broadcaster comes back, it will start again by itself.",
  },
  forbidden: {
    short: "Not allowed", title: "You may not watch this stream", icon: "warning", retry: true,
    text: "The server asks for a permission that this page does not have. Open the link that you were given once more.",
  },
  unreachable: {
    short: "No connection", title: "Cannot reach the server", icon: "warning", retry: true,
    text: "Check your connection. The page keeps trying and goes on by itself.",
  },
  starting: {
    short: "Starting", title: "Starting", icon: null,
    text: "The stream is there, the picture is on its way.",
  },
  stalled: {
    short: "Waiting", title: "Waiting for the broadcaster", icon: null,
    text: "Nothing new has come for a few seconds. It goes on by itself.",
  },
  unsupported: {
    short: "Cannot play", title: "This browser cannot play the stream", icon: "warning",
    text: "It lacks Media Source Extensions or the stream’s video format. A current Firefox, Chrome, Edge or Safari plays it.",
  },
};

export const KEYS: [string, string][] = [
  ["Space or K", "play, pause"],
  ["M", "sound on, off"],
  ["↑ ↓", "louder, softer"],
  ["L", "to the live picture"],
  ["F", "full screen"],
  ["P", "picture in picture"],
  ["I", "statistics"],
  ["?", "these keys"],
];
