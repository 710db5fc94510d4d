// What lies over the picture: the message, the statistics, the keys.

import { useEffect, useRef } from "react";
import { Icon } from "../icons";
import type { Stats } from "./live";
import { KEYS, type Words } from "./words";

export function Message({ words, onRetry }: { words: Words; onRetry: () => void }) {
  return (
    <div className="message">
      {words.icon === null ? <div className="spinner" aria-hidden="true" /> : <div className="sign"><Icon name={words.icon} /></div>}
      <p className="title">{words.title}</p>
      <p>{words.text}</p>
      {words.retry && <button className="outlined" onClick={onRetry}>Try now</button>}
    </div>
  );
}

function rows(stats: Stats): [string, string][] {
  const none = "–";
  const seconds = (value: number | null) => (value === null ? none : `${value.toFixed(1)} s`);
  return [
    ["Latency", `${seconds(stats.latency)} (aims at ${seconds(stats.target)})`],
    ["Buffer", seconds(stats.buffer)],
    ["Bit rate", stats.bitrate === null ? none : `${(stats.bitrate / 1e6).toFixed(2)} Mb/s`],
    ["Picture", stats.width ? `${stats.width} × ${stats.height}${stats.fps ? `, ${Math.round(stats.fps * 100) / 100} fps` : ""}` : none],
    ["Codecs", stats.codecs ?? none],
    ["Dropped frames", `${stats.dropped} of ${stats.frames}`],
    ["Speed", `${stats.rate.toFixed(2)} ×`],
    ["Player", stats.engine],
  ];
}

export function Statistics({ stats, onClose }: { stats: Stats; onClose: () => void }) {
  return (
    <section className="panel stats" aria-label="Statistics">
      <button className="plain close" onClick={onClose} aria-label="Close statistics"><Icon name="close" /></button>
      <dl>{rows(stats).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
    </section>
  );
}

export function Keys({ onClose }: { onClose: () => void }) {
  const close = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    const before = document.activeElement;
    close.current?.focus();
    return () => { if (before instanceof HTMLElement) before.focus(); };
  }, []);

  return (
    <section className="panel keys" role="dialog" aria-label="Keyboard">
      <button ref={close} className="plain close" onClick={onClose} aria-label="Close keyboard help"><Icon name="close" /></button>
      <h2>Keyboard</h2>
      <dl>{KEYS.map(([key, what]) => <div key={key}><dt>{key}</dt><dd>{what}</dd></div>)}</dl>
    </section>
  );
}
