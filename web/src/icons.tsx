const PATHS = {
  brand: "M5 3h14a3 3 0 0 1 3 3v12a3 3 0 0 1-3 3H5a3 3 0 0 1-3-3V6a3 3 0 0 1 3-3zm5 5v8l7-4z",
  play: "M8 5v14l11-7z",
  pause: "M6 5h4v14H6zm8 0h4v14h-4z",
  sound: "M3 9v6h4l5 5V4L7 9zm13.5 3A4.5 4.5 0 0 0 14 7.97v8.05A4.5 4.5 0 0 0 16.5 12zM14 3.23v2.06a7 7 0 0 1 0 13.42v2.06a9 9 0 0 0 0-17.54z",
  muted: "M3 9v6h4l5 5V4L7 9zm18.3.1-1.4-1.4-2.4 2.4-2.4-2.4-1.4 1.4 2.4 2.4-2.4 2.4 1.4 1.4 2.4-2.4 2.4 2.4 1.4-1.4-2.4-2.4z",
  stats: "M5 20v-9h3v9zm5.5-16h3v16h-3zM16 20v-6h3v6z",
  keys: "M4 6h16a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2zm0 2v8h16V8zm1.5 1.5h2v2h-2zm3.5 0h2v2H9zm3.5 0h2v2h-2zm3.5 0h2v2h-2zM7 12.7h10v2H7z",
  pip: "M21 3H3a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h8v-2H3V5h18v6h2V5a2 2 0 0 0-2-2zm2 10H13v8h10z",
  full: "M5 9V5h4V3H3v6zm10-6v2h4v4h2V3zM5 15H3v6h6v-2H5zm14 4h-4v2h6v-6h-2z",
  window: "M9 3H7v4H3v2h6zm6 6h6V7h-4V3h-2zM3 15v2h4v4h2v-6zm12 6h2v-4h4v-2h-6z",
  sun: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM11 1h2v4h-2zm0 18h2v4h-2zM1 11h4v2H1zm18 0h4v2h-4zM4.2 5.6l1.4-1.4 2.8 2.8L7 8.4zm11.4 11.4 1.4-1.4 2.8 2.8-1.4 1.4zM4.2 18.4 7 15.6 8.4 17l-2.8 2.8zM15.6 7l2.8-2.8 1.4 1.4L17 8.4z",
  moon: "M12.3 2a10 10 0 1 0 9.7 12.9A8 8 0 0 1 12.3 2z",
  offline: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM7.8 7.8 6.3 6.3a8 8 0 0 0 0 11.4l1.5-1.5a6 6 0 0 1 0-8.4zm9.9-1.5-1.5 1.5a6 6 0 0 1 0 8.4l1.5 1.5a8 8 0 0 0 0-11.4z",
  warning: "M12 2 1 21h22zm1 15h-2v2h2zm0-7h-2v5h2z",
  close: "M19 6.4 17.6 5 12 10.6 6.4 5 5 6.4 10.6 12 5 17.6 6.4 19 12 13.4 17.6 19 19 17.6 13.4 12z",
  copy: "M16 1H4a2 2 0 0 0-2 2v14h2V3h12zm3 4H8a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2V7a2 2 0 0 0-2-2zm0 16H8V7h11z",
  done: "M9 16.2 4.8 12l-1.4 1.4L9 19 21 7l-1.4-1.4z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} fill="currentColor" fillRule="evenodd" />
    </svg>
  );
}
