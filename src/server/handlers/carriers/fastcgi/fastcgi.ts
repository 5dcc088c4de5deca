import { once } from 'node:events';
import { connect } from 'node:net';
import { basename, dirname } from 'node:path';
import { ZocaloError } from '../../../../errors.ts';
import type { HandlerEvent } from '../../event.ts';
import type { FastcgiAddress } from '../../fastcgi-address.ts';
import type { Post } from '../calls.ts';
import { passedOn } from '../http/http.ts';
import { encodeRequest, RecordReader, TYPE } from './records.ts';
import { readReply } from './reply.ts';

export interface FastcgiOptions {
  readonly address: FastcgiAddress;
  /** Names of headers of the handshake that are passed on, as `HTTP_COOKIE` and so on. */
  readonly headers: readonly string[];
  /** Gets what the script wrote to its error log, a text of one or more lines. */
  readonly onStderr: (text: string) => void;
}

/** Bytes of the head of an answer, and of what is taken from the error log during one event. */
const HEAD = 16_384;
const STDERR = 8_192;
/** Values of the `protocolStatus` with which a request ends, §5.5. */
const ENDS: readonly string[] = ['', 'it takes only one request', 'it is overloaded', 'it does not answer requests'];

/**
 * Events as requests to a FastCGI server such as php-fpm, each on a connection of its own: an open connection would
 * occupy one of the server's processes.
 */
export function overFastcgi({ address, headers: names, onStderr }: FastcgiOptions): Post {
  return async (event, { signal, most }) => {
    const body = Buffer.from(event.text);
    const request = encodeRequest(paramsOf(event, body.length, address.script, names), body);
    const socket = connect(address.to);
    const abort = () => socket.destroy(signal.reason);
    signal.addEventListener('abort', abort);
    try {
      await once(socket, 'connect');
      socket.write(request);
      const output: Buffer[] = [];
      let size = 0;
      let complaint = '';
      const reader = new RecordReader();
      for await (const bytes of socket as AsyncIterable<Buffer>)
        for (const { type, content } of reader.read(bytes)) {
          if (type === TYPE.STDOUT) {
            output.push(content);
            size += content.length;
            if (size > most + HEAD) throw new Error(`the answer has more than ${most} bytes`);
          } else if (type === TYPE.STDERR && complaint.length < STDERR) complaint += content.toString();
          else if (type === TYPE.END) {
            if (complaint !== '') onStderr(complaint.slice(0, STDERR));
            const end = content[4] ?? 0;
            if (end !== 0) throw new ZocaloError('HANDLER_UNREACHABLE', ENDS[end] ?? 'it failed');
            return readReply(Buffer.concat(output), most);
          }
        }
      throw new ZocaloError('HANDLER_UNREACHABLE', 'it closed the connection before the end of its answer');
    } finally {
      signal.removeEventListener('abort', abort);
      socket.destroy();
    }
  };
}

/** CGI's variables (RFC 3875 §4.1), as a web server would set them. */
function paramsOf(
  { headers }: HandlerEvent,
  length: number,
  script: string,
  names: readonly string[],
): Record<string, string> {
  const params: Record<string, string> = {
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_SOFTWARE: 'zocalo',
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_NAME: 'localhost',
    REDIRECT_STATUS: '200', // php-cgi runs nothing without it
    REQUEST_METHOD: 'POST',
    DOCUMENT_ROOT: dirname(script),
    SCRIPT_FILENAME: script,
    SCRIPT_NAME: `/${basename(script)}`,
    REQUEST_URI: `/${basename(script)}`,
    QUERY_STRING: '',
    CONTENT_TYPE: 'application/json',
    CONTENT_LENGTH: String(length),
  };
  for (const [name, value] of Object.entries(passedOn(names, headers)))
    params[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`] = clean(value);
  return params;
}

/** A value with one line. */
function clean(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out.
  return value.replaceAll(/[\x00\r\n]/g, ' ');
}
