import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { JsonText } from '../../protocol/index.ts';

export interface AnswerOptions {
  readonly headers?: OutgoingHttpHeaders | undefined;
  /** The answer is sent at once, but the response ends only when this settles. */
  readonly until?: Promise<unknown> | undefined;
}

/** Sends `body` as JSON; a `JsonText` unchanged. */
export function answer(response: ServerResponse, status: number, body: unknown, options: AnswerOptions = {}): void {
  const text = body instanceof JsonText ? body.text : JSON.stringify(body);
  send(response, status, 'application/json', text, options);
}

/** Sends a text that no cache may store: plain text, unless the headers say otherwise. HEAD gets only the headers. */
export function answerText(response: ServerResponse, status: number, text: string, options: AnswerOptions = {}): void {
  send(response, status, 'text/plain; charset=utf-8', text, options);
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  { headers, until }: AnswerOptions,
): void {
  const all: OutgoingHttpHeaders = {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  };
  if (status === 401) all['www-authenticate'] = 'Bearer realm="zocalo"';
  response.writeHead(status, headers ? Object.assign(all, headers) : all);
  const sent = response.req.method === 'HEAD' ? '' : text;
  if (!until) {
    response.end(sent);
    return;
  }
  response.write(sent);
  until.finally(() => response.end());
}
