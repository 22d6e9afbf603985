import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    // The content policy allows no inline scripts, and everything we load is our own module anyway.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  // `vite` for working on the pages; the API comes from a control that runs.
  server: { proxy: { '/api': 'http://127.0.0.1:8081', '/sign-in': 'http://127.0.0.1:8081' } },
})
