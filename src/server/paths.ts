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
