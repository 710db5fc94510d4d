import { useState, type FormEvent } from "react";
import { Icon } from "../icons";
import { navigate, watchPath } from "../router";

function Copy({ text }: { text: string }) {
  const [done, setDone] = useState(false);

  /* the clipboard is there on https and localhost only */
  if (!navigator.clipboard) return null;

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      window.setTimeout(() => setDone(false), 2000);
    } catch {
      setDone(false);
    }
  };

  return (
    <button className="plain" onClick={() => void copy()} aria-label={done ? "Copied" : "Copy"}>
      <Icon name={done ? "done" : "copy"} />
    </button>
  );
}

function Code({ text }: { text: string }) {
  return <div className="code"><code tabIndex={0}>{text}</code><Copy text={text} /></div>;
}

export function Home() {
  const [name, setName] = useState("");
  const server = `rtmp://${location.hostname || "localhost"}/live`;

  const watch = (event: FormEvent) => {
    event.preventDefault();
    const stream = name.trim();
    if (stream) navigate(watchPath(stream));
  };

  return (
    <main className="page">
      <h1>Live streaming from your own nginx</h1>
      <p className="quiet">Send a picture with any RTMP encoder, watch it seconds later in any browser.</p>

      <section className="card">
        <h2>Watch</h2>
        <form onSubmit={watch}>
          <label htmlFor="stream">Name of the stream</label>
          <div className="row">
            <input
              id="stream" value={name} onChange={(event) => setName(event.target.value)} placeholder="demo"
              autoComplete="off" autoCapitalize="none" spellCheck={false}
            />
            <button className="button" type="submit" disabled={!name.trim()}>Watch</button>
          </div>
        </form>
        <p className="quiet">
          A stream’s page is <code>{location.host}/watch/<i>name</i></code>; its HLS address for other
          players is <code>{location.host}/live/<i>name</i>/index.m3u8</code>.
        </p>
      </section>

      <section className="card">
        <h2>Publish</h2>
        <p>You need a stream key: a secret that belongs to one stream name. The server’s administrator hands
          them out; a demo server prints its own when it starts.</p>

        <h3>OBS Studio</h3>
        <p>Settings, Stream, service “Custom…”. Server:</p>
        <Code text={server} />
        <p>Stream key: yours. In Output, set the keyframe interval to 2 s.</p>

        <h3>ffmpeg</h3>
        <Code text={`ffmpeg -re -i video.mp4 -c:v libx264 -g 60 -c:a aac -f flv ${server}/YOUR-KEY`} />
        <p className="quiet">If the server takes RTMP at another port than 1935, add it: <code>rtmp://host:port/live</code>.</p>
      </section>
    </main>
  );
}
