/** Where requests go. */
import { IncomingMessage } from 'node:http';

interface Addressed {
  readonly url?: string | undefined;
}

/** What stands before the path where a request names the whole address, as to a proxy. */
const AUTHORITY = /^https?:\/\/[^/?]*/i;

/** The path of a request, as it was sent: without the query, not decoded. */
export function pathOf({ url = '/' }: Addressed): string {
  return url.replace(AUTHORITY, '').split('?', 1)[0] as string;
}

/** The query of a request. */
export function searchOf({ url = '/' }: Addressed): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}

/** The name of the first parameter whose bytes are not UTF-8; URLSearchParams would put U+FFFD in their place without a word. */
export function parameterThatIsNoText({ url = '/' }: Addressed): string | undefined {
  const at = url.indexOf('?');
  if (at < 0 || !url.includes('%', at)) return undefined;
  for (const part of url.slice(at + 1).split('&')) {
    try {
      decodeURIComponent(part);
    } catch {
      return part.split('=', 1)[0]?.slice(0, 80);
    }
  }
  return undefined;
}

/**
 * A request to upgrade to something else than a WebSocket (HTTP/2, which some clients offer with every first request) is
 * answered as if it had not asked: a server need not upgrade. Source: RFC 9110, section 7.8.
 */
export class UpgradableMessage extends IncomingMessage {
  declare _isUpgrade: boolean | null;

  // Node asks this of each request, where somebody listens for upgrades.
  get upgrade(): boolean {
    return this._isUpgrade === true && (this.method === 'CONNECT' || /^websocket$/i.test(this.headers.upgrade ?? ''));
  }

  set upgrade(value: boolean | null) {
    this._isUpgrade = value;
  }
}
