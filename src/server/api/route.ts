import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { type JsonText, LIMITS, ProtocolError } from '../../protocol/index.ts';
import type { ApiCaller } from '../auth/index.ts';
import type { ApiRight } from '../config/index.ts';
import { forbidden } from '../http/index.ts';

/** One request, checked and parsed. */
export interface Call<Body = unknown, Query = unknown> {
  /** Undefined when the route needs no key and none was sent. */
  readonly caller: ApiCaller | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly request: IncomingMessage;
}

export interface Route<Body extends z.ZodType = z.ZodType, Query extends z.ZodType = z.ZodType> {
  readonly method: 'GET' | 'POST';
  /** With `:name` for parameters. */
  readonly path: string;
  /** For the OpenAPI document. */
  readonly summary: string;
  /** The right that the API key needs; null: no key is needed. */
  readonly right: ApiRight | null;
  readonly query?: Query;
  readonly body?: Body;
  /** The schema of the body for the document, where the body is checked part by part. */
  readonly documented?: z.ZodType;
  /** The body has a member `data`, or is a list of objects that have one. It arrives as `JsonText`. */
  readonly hasData?: boolean;
  /** An absent body is `{}`. */
  readonly mayLackBody?: boolean;
  readonly answer: z.ZodType;
  /** Returns what is sent as JSON, or a `JsonText`. */
  handle(call: Call<z.output<Body>, z.output<Query>>): unknown;
}

/** Gives a route's handler the types of its schemas. */
export function route<Body extends z.ZodType, Query extends z.ZodType>(route: Route<Body, Query>): Route {
  return route as unknown as Route;
}

/** @throws ProtocolError FORBIDDEN when the caller does not have the right in this channel. */
export function permit(caller: ApiCaller | undefined, right: ApiRight, channel: string): void {
  if (caller?.may(right, channel)) return;
  const what = `${right === 'publish' ? 'publish to' : right} ${channel}`;
  throw forbidden(what, caller?.may(right) ? `its "channels" do not cover it` : `its "can" does not have ${right}`);
}

/** The same limit as for clients, so that every receiver can parse it. @throws ProtocolError BAD_MESSAGE. */
export function checkDepth(data: JsonText): void {
  // One level less, since the line that carries it is an array.
  if (data.depth >= LIMITS.depth)
    throw new ProtocolError('BAD_MESSAGE', `arrays and objects may lie ${LIMITS.depth - 1} deep inside each other`);
}
