/**
 * What the GraphiQL page runs before GraphiQL itself: plain JavaScript, as text. GraphiQL takes the browser's own fetch and
 * WebSocket, so both are given to it with what it lacks:
 * - a connection that fails to open is tried again, as one that closes is: the client takes the first for the end;
 * - a subscription shows its last hundred events, newest first, where GraphiQL would show one;
 * - the schema is fetched again when the catalog's tables have changed, by this page or by anyone else.
 */
export const GRAPHIQL_SCRIPT = `
(() => {
  const EVENTS_MAX = 100;
  const EVENT_CHARACTERS_MAX = 500000;

  const seen = new Map();
  // Turns the payload of one event into that of all which are shown. Keyed by the subscription's id, which outlives a socket.
  const collected = (text) => {
    let message;
    try { message = JSON.parse(text); } catch { return text; }
    if (message.type === 'complete' || message.type === 'error') seen.delete(message.id);
    if (message.type !== 'next') return text;
    const entry = seen.get(message.id) ?? { count: 0, events: [], sizes: [] };
    seen.set(message.id, entry);
    entry.count++;
    entry.events.unshift(message.payload);
    entry.sizes.unshift(text.length);
    let total = 0;
    let kept = 0;
    while (kept < Math.min(entry.events.length, EVENTS_MAX) && (kept === 0 || total + entry.sizes[kept] <= EVENT_CHARACTERS_MAX)) total += entry.sizes[kept++];
    entry.events.length = kept;
    entry.sizes.length = kept;
    if (entry.count === 1) return text;
    const shown = kept < entry.count ? 'the last ' + kept + ' of ' + entry.count + ' events, newest first' : kept + ' events, newest first';
    return JSON.stringify({ ...message, payload: { shown, events: entry.events } });
  };
  window.WebSocket = class extends WebSocket {
    get onerror() { return null; }
    set onerror(_) {}
    get onmessage() { return super.onmessage; }
    set onmessage(handler) {
      super.onmessage = handler && ((event) => handler.call(this, new MessageEvent('message', { data: collected(event.data) })));
    }
    send(data) {
      try {
        const { id, type } = JSON.parse(data);
        if (type === 'complete') seen.delete(id);
      } catch {}
      super.send(data);
    }
  };

  let schema;
  let looking = false;
  const refetch = () => document.querySelector('button[aria-label^="Re-fetch GraphQL schema"]')?.click();
  const plainFetch = window.fetch.bind(window);
  // Where the paths beside this page are not passed on by a proxy, the button of the page is what is left.
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const response = await plainFetch(new URL('ready', location.href));
      const now = (await response.json()).schema;
      if (typeof now !== 'number') return;
      if (schema !== undefined && schema !== now) refetch();
      schema = now;
    } catch {} finally { looking = false; }
  };
  window.fetch = async (...args) => {
    const response = await plainFetch(...args);
    if (args[1]?.method === 'POST') setTimeout(look);
    return response;
  };
  window.addEventListener('focus', look);
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && look());
})();
`;

/** A tide gauge: marks, and water that has risen to one of them. */
export const LOGO_SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="28" height="28" role="img" aria-label="Tidemark"><rect width="32" height="32" rx="7" fill="#0b3b4a"/>' +
  '<path d="M7 7h6M7 12h4M7 17h6" stroke="#8fe3f2" stroke-width="2" stroke-linecap="round"/>' +
  '<path d="M3 20c3.5-3 6.5-3 10 0s6.500 3 10 0 4.500-2.500 6-1.800V25a4 4 0 0 1-4 4H7a4 4 0 0 1-4-4z" fill="#1fb6d0"/></svg>';
