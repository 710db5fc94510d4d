// What a viewer chose, kept in this browser; nothing where it keeps nothing.

export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(`live.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`live.${name}`);
    else localStorage.setItem(`live.${name}`, value);
  } catch {
    /* private windows may refuse */
  }
}
