import { Icon } from "./icons";
import { Home } from "./pages/home";
import { Lost } from "./pages/lost";
import { Watch } from "./pages/watch";
import { Link, useRoute } from "./router";
import { useTheme } from "./theme";

function Page() {
  const route = useRoute();

  switch (route.page) {
    case "home": return <Home />;
    case "watch": return <Watch key={route.stream} stream={route.stream} />;
    case "lost": return <Lost path={route.path} />;
  }
}

export function App() {
  const [theme, toggle] = useTheme();

  return (
    <>
      <header className="top">
        <Link className="brand" href="/watch/" aria-label="ngx-live, first page">
          <Icon name="brand" /> ngx-live
        </Link>
        <button className="plain" onClick={toggle} aria-label={theme === "dark" ? "Light colours" : "Dark colours"}>
          <Icon name={theme === "dark" ? "sun" : "moon"} />
        </button>
      </header>
      <Page />
    </>
  );
}
