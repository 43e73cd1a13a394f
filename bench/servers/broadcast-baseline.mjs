/**
 * The baseline of the live path: a bare ws server. What it is PUT it sends to every socket, as it is, whenever something is
 * POSTed; what is posted is parsed, as a commit's request is.
 */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

let message = Buffer.alloc(0);

const http = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (piece) => {
    body += piece;
  });
  request.on('end', () => {
    if (request.method === 'PUT') message = Buffer.from(body);
    else {
      JSON.parse(body);
      for (const socket of sockets.clients) socket.send(message, { binary: false });
    }
    response.end('{}');
  });
});
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  // An echo, for latencies.
  socket.on('message', (data) => socket.send(data, { binary: false }));
});
http.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${http.address().port}` })));
process.once('SIGTERM', () => process.exit());
