import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { Watch } from "./watch";
import "./style.css";

function streamOf(path: string): string | null {
  const match = /^\/watch\/([^/]+)\/?$/.exec(path);
  return match?.[1] ? decodeURIComponent(match[1]) : null;
}

function Home() {
  const [name, setName] = useState("");
  return (
    <main className="home">
      <h1>Live streaming</h1>
      <p>Which stream would you like to watch?</p>
      <form onSubmit={(e) => { e.preventDefault(); if (name.trim()) location.assign(`/watch/${encodeURIComponent(name.trim())}`); }}>
        <label htmlFor="stream">Stream name</label>
        <div className="row">
          <input id="stream" value={name} onChange={(e) => setName(e.target.value)} placeholder="demo" autoComplete="off" autoFocus />
          <button type="submit" disabled={!name.trim()}>Watch</button>
        </div>
      </form>
      <p className="quiet">To broadcast, point OBS or ffmpeg at this server’s RTMP address with your stream key.</p>
    </main>
  );
}

const stream = streamOf(location.pathname);
const root = document.getElementById("root");

if (root) {
  createRoot(root).render(<StrictMode>{stream ? <Watch stream={stream} /> : <Home />}</StrictMode>);
}
