// The bar below the picture.

import { Icon, type IconName } from "../icons";

export interface ControlsProps {
  /** There is a stream to control. */
  active: boolean;
  paused: boolean;
  muted: boolean;
  volume: number;
  live: boolean;
  behind: boolean;
  full: boolean;
  stats: boolean;
  keys: boolean;
  onPlay: () => void;
  onMute: () => void;
  onVolume: (volume: number) => void;
  onLive: () => void;
  onFull: () => void;
  onPip: (() => void) | null;
  onStats: () => void;
  onKeys: () => void;
}

function Button({ icon, name, hint, pressed, className, onClick }: {
  icon: IconName; name: string; hint?: string; pressed?: boolean; className?: string; onClick: () => void;
}) {
  return (
    <button
      className={className} onClick={onClick} aria-label={name} aria-pressed={pressed}
      title={hint === undefined ? name : `${name} (${hint})`}
    >
      <Icon name={icon} />
    </button>
  );
}

export function Controls(p: ControlsProps) {
  return (
    <div className="controls" role="group" aria-label="Player">
      {p.active && (
        <>
          <Button icon={p.paused ? "play" : "pause"} name={p.paused ? "Play" : "Pause"} hint="K" onClick={p.onPlay} />
          <Button
            icon={p.muted || p.volume === 0 ? "muted" : "sound"} name={p.muted ? "Sound on" : "Sound off"} hint="M"
            onClick={p.onMute}
          />
          <input
            className="volume" type="range" min="0" max="1" step="0.05" aria-label="Volume"
            value={p.muted ? 0 : p.volume} onChange={(event) => p.onVolume(Number(event.target.value))}
            style={{ "--value": p.muted ? 0 : p.volume } as React.CSSProperties}
          />
          <button
            className={p.live ? "edge on" : "edge"} onClick={p.onLive} disabled={!p.behind} title={p.behind ? "To the live picture (L)" : undefined}
            aria-label={p.behind ? "Go live" : p.live ? "Live" : "Not live"}
          >
            <span className="dot" aria-hidden="true" />{p.behind ? "Go live" : "Live"}
          </button>
        </>
      )}
      <span className="space" />
      {p.active && <Button icon="stats" name="Statistics" hint="I" pressed={p.stats} onClick={p.onStats} />}
      <Button icon="keys" name="Keyboard help" hint="?" pressed={p.keys} className="wide" onClick={p.onKeys} />
      {p.active && p.onPip && <Button icon="pip" name="Picture in picture" hint="P" className="wide" onClick={p.onPip} />}
      <Button icon={p.full ? "window" : "full"} name={p.full ? "Leave full screen" : "Full screen"} hint="F" onClick={p.onFull} />
    </div>
  );
}
