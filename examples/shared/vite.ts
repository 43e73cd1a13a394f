import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import type { UserConfig } from 'vite';

const source = (path: string): string => fileURLToPath(new URL(`../../src/client/${path}`, import.meta.url));

/** The server answers on the page's own address: GraphQL over HTTP and WebSocket are passed on to it. */
export function pageConfig(name: string, server = process.env['SERVER'] ?? 'http://127.0.0.1:4000'): UserConfig {
  const proxy = { '/graphql': { target: server, ws: true } };
  return {
    plugins: [react()],
    server: { host: '127.0.0.1', port: 5173, proxy },
    preview: { host: '127.0.0.1', proxy },
    build: { emptyOutDir: true },
    // Each page has its own, so that both can be open.
    cacheDir: fileURLToPath(new URL(`../../node_modules/.vite/${name}`, import.meta.url)),
    // In this repository the helpers are taken from their sources; an application has them from its node_modules.
    resolve: {
      alias: [
        { find: /^tidemark\/client$/, replacement: source('index.ts') },
        { find: /^tidemark\/client\/(apollo|urql)$/, replacement: source('$1.ts') },
      ],
    },
  };
}
