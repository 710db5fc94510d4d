import { Link } from "../router";

export function Lost({ path }: { path: string }) {
  return (
    <main className="page">
      <h1>There is no such page</h1>
      <p className="quiet">Nothing is at <code>{path}</code>.</p>
      <p><Link className="button" href="/watch/">To the first page</Link></p>
    </main>
  );
}
