import { defineConfig } from "vite";
import react from "@vitejs/plugin-react";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2020",
    chunkSizeWarningLimit: 1200,
    rollupOptions: {
      output: { manualChunks: { hls: ["hls.js"], react: ["react", "react-dom"] } },
    },
  },
  server: { proxy: { "/live": "http://127.0.0.1:8080" } },
});
