import { defineConfig } from "vite";
import react from "@vitejs/plugin-react";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2020",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
    rollupOptions: {
      output: { manualChunks: { hls: ["hls.js"], react: ["react", "react-dom/client"] } },
    },
  },
  server: { proxy: { "/live": process.env.LIVE_HTTP_URL ?? "http://127.0.0.1:8080" } },
});
