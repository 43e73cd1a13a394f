/** The baseline of the live path: a bare ws server that sends what it is posted to every socket, as it is. */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const http = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (piece) => {
    body += piece;
  });
  request.on('end', () => {
    // Rows travel with it, so that parsing a request of the same size is in both.
    const bytes = Buffer.from(JSON.parse(body).message);
    for (const socket of sockets.clients) socket.send(bytes, { binary: false });
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
