/**
 * Which web pages may use the API. A browser sends any page's requests to a database on the same machine, so by default
 * only pages from this machine may, and a server that listens on loopback answers only to loopback names (a page of a
 * foreign name that resolves to 127.0.0.1 is refused) and to those of its origins, which a proxy before it may pass on.
 */
import type { IncomingMessage } from 'node:http';

const LOOPBACK = /^(?:localhost|.*\.localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i;

/** Whether a server on this address can be reached from its own machine alone. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

function hostnameOf(url: string): string | undefined {
  try {
    return new URL(url).hostname;
  } catch {
    return undefined;
  }
}

export class OriginPolicy {
  readonly #allowed: ReadonlySet<string>;
  readonly #names: ReadonlySet<string | undefined>;
  readonly #all: boolean;
  readonly #loopbackOnly: boolean;

  constructor(origins: readonly string[], host: string) {
    this.#allowed = new Set(origins);
    this.#names = new Set(origins.map(hostnameOf));
    this.#all = origins.includes('*');
    this.#loopbackOnly = LOOPBACK.test(host);
  }

  /** Whether a page of this origin may use the API. */
  allows(origin: string): boolean {
    if (this.#all || this.#allowed.has(origin)) return true;
    const hostname = hostnameOf(origin);
    return hostname !== undefined && LOOPBACK.test(hostname);
  }

  #answersTo(name: string | undefined): boolean {
    return name !== undefined && (LOOPBACK.test(name) || this.#names.has(name));
  }

  /** Why a request is refused; undefined where it is not. */
  refusal({ headers }: IncomingMessage): string | undefined {
    const { origin, host } = headers;
    if (this.#loopbackOnly && !this.#all && host !== undefined && !this.#answersTo(hostnameOf(`http://${host}`))) {
      return `this server listens on loopback and does not answer to the name ${host}; where a proxy passes that name on, start it with --origins and the origin of its pages, such as https://${host}`;
    }
    if (origin !== undefined && origin !== 'null' && !this.allows(origin) && hostnameOf(origin) !== hostnameOf(`http://${host ?? ''}`)) {
      return `pages of ${origin} may not use this server; start it with --origins ${origin} to allow them`;
    }
    if (origin === 'null' && !this.#all) return 'pages without an origin may not use this server';
    return undefined;
  }
}
