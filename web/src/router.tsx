// Paths to pages, and links that change the page without loading it anew.

import { useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from "react";

export type Route =
  | { page: "home" }
  | { page: "watch"; stream: string }
  | { page: "lost"; path: string };

export function match(path: string): Route {
  if (/^\/(watch\/?)?$/.test(path)) return { page: "home" };

  const name = /^\/watch\/([^/]+)\/?$/.exec(path)?.[1];
  if (name === undefined) return { page: "lost", path };

  try {
    return { page: "watch", stream: decodeURIComponent(name) };
  } catch {
    return { page: "lost", path };
  }
}

export function watchPath(stream: string): string {
  return `/watch/${encodeURIComponent(stream)}`;
}

export function navigate(path: string): void {
  history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}

function subscribe(changed: () => void): () => void {
  addEventListener("popstate", changed);
  return () => removeEventListener("popstate", changed);
}

export function useRoute(): Route {
  return match(useSyncExternalStore(subscribe, () => location.pathname));
}

export function Link({ href, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const follow = (event: MouseEvent) => {
    /* a new tab or window is the browser's own business */
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href);
  };
  return <a href={href} onClick={follow} {...rest} />;
}
