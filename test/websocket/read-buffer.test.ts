import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { readPieces } from '../../src/websocket/read-buffer.ts';
import { turn } from '../support/turn.ts';

/** A socket without its internals: `_handle` is all that the switch looks at. */
function socketWith(handle: object | null): Socket {
  const socket = new Socket();
  Object.assign(socket, { _handle: handle });
  return socket;
}

for (const [name, stream] of Object.entries({
  'a stream that is no socket': new Duplex({ read() {} }),
  'a socket that has no handle any more': socketWith(null),
  'a socket of a Node that reads in another way': socketWith({ readStart() {}, close() {} }),
}))
  test(`${name} is read through its public events, what came before first`, async () => {
    const pieces: string[] = [];
    stream.push(Buffer.from('before'));
    readPieces(stream, { takePiece: (piece, length) => pieces.push(piece.toString('utf8', 0, length)) });
    stream.push(Buffer.from('after'));
    await turn();
    assert.deepEqual(pieces, ['before', 'after']);
  });
