// Light or dark: as the system says, until the viewer says otherwise.

import { useEffect, useState } from "react";
import { remember, remembered } from "./memory";

export type Theme = "light" | "dark";

const SYSTEM = matchMedia("(prefers-color-scheme: dark)");

function chosen(): Theme | null {
  const theme = remembered("theme");
  return theme === "light" || theme === "dark" ? theme : null;
}

function system(): Theme {
  return SYSTEM.matches ? "dark" : "light";
}

/* before the first picture of the page */
document.documentElement.dataset.theme = chosen() ?? system();

export function useTheme(): [Theme, () => void] {
  const [choice, setChoice] = useState(chosen);
  const [byDefault, setByDefault] = useState(system);
  const theme = choice ?? byDefault;

  useEffect(() => {
    const changed = () => setByDefault(system());
    SYSTEM.addEventListener("change", changed);
    return () => SYSTEM.removeEventListener("change", changed);
  }, []);

  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);

  const toggle = () => {
    const other = theme === "dark" ? "light" : "dark";
    /* who goes back to the system's own follows it again */
    const next = other === system() ? null : other;
    remember("theme", next);
    setChoice(next);
  };

  return [theme, toggle];
}
