/** Subscribers over real sockets that may be cut or may stop reading at any event: one session lasts until its connection ends. */
import { request } from 'node:http';
import WebSocket from 'ws';

export interface Subscribe {
  readonly url: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Where to resume; over an event stream it goes as Last-Event-ID. */
  readonly after: string;
}

/** What a subscriber does once it has an event. */
export type Reaction = { readonly kind: 'go' | 'cut' | 'done' } | { readonly kind: 'pause'; readonly ms: number };

interface Result {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly unknown[];
}

export type OnEvent = (result: Result, id: string | undefined) => Reaction;

/** A subscriber that finds a mistake ends. */
function reacted(react: () => Reaction, reject: (error: unknown) => void): Reaction {
  try {
    return react();
  } catch (error) {
    reject(error);
    return { kind: 'cut' };
  }
}

/** @returns when the connection has ended: true where the subscriber is done */
export function socketSession({ url, query, variables, after }: Subscribe, onEvent: OnEvent): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    let isDone = false;
    // After a cut nothing that still comes is looked at: the client went away in the middle of it.
    let isCut = false;
    socket.on('error', () => {});
    socket.on('close', () => resolve(isDone));
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    socket.on('message', (data) => {
      if (isCut) return;
      const message = JSON.parse(String(data)) as { type: string; payload?: Result };
      switch (message.type) {
        case 'connection_ack':
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { ...variables, after } } }));
          return;
        case 'next': {
          const reaction = reacted(() => onEvent(message.payload ?? {}, undefined), reject);
          if (reaction.kind === 'pause') {
            socket.pause();
            setTimeout(() => socket.resume(), reaction.ms);
          } else if (reaction.kind !== 'go') {
            isCut = true;
            isDone = reaction.kind === 'done';
            socket.terminate();
          }
          return;
        }
        case 'error':
          reject(new Error(JSON.stringify(message.payload)));
          socket.terminate();
          return;
        default:
      }
    });
  });
}

/** The same over Server-Sent Events. */
export function streamSession({ url, query, variables, after }: Subscribe, onEvent: OnEvent): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream', 'last-event-id': after };
    let isDone = false;
    let isCut = false;
    const outgoing = request(`${url}/graphql`, { method: 'POST', headers }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (piece: string) => {
        text += piece;
        for (let end = text.indexOf('\n\n'); end >= 0 && !isCut; end = text.indexOf('\n\n')) {
          const lines = text.slice(0, end).split('\n');
          text = text.slice(end + 2);
          const field = (name: string): string | undefined => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
          if (field('event') === 'complete') reject(new Error('the stream was completed'));
          if (field('event') !== 'next') continue;
          const reaction = reacted(() => onEvent(JSON.parse(field('data') ?? '{}') as Result, field('id')), reject);
          if (reaction.kind === 'pause') {
            response.pause();
            setTimeout(() => response.resume(), reaction.ms);
          } else if (reaction.kind !== 'go') {
            isCut = true;
            isDone = reaction.kind === 'done';
            outgoing.destroy();
          }
        }
      });
      response.on('error', () => {});
      response.on('close', () => resolve(isDone));
    });
    outgoing.on('error', () => resolve(isDone));
    outgoing.end(JSON.stringify({ query, variables }));
  });
}
