import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import type { Hub } from '../../hub/index.ts';
import { LIMITS, ProtocolError } from '../../protocol/index.ts';
import type { ApiCaller } from '../auth/index.ts';
import { check, failureOf } from '../http/index.ts';
import { checkOffered } from './offered.ts';
import { checkDepth, permit, type Route, route } from './route.ts';
import * as schemas from './schemas.ts';

type Publication = z.output<typeof schemas.publishBody>;

/** The routes that publish: to one channel, to several, or a batch. */
export function publishingRoutes(hub: Hub, report: (what: string, cause: unknown) => void): Route[] {
  const publish = async (caller: ApiCaller | undefined, publication: Publication) => {
    const { channel, data, key, event, keep, except } = publication;
    permit(caller, 'publish', channel);
    checkOffered(hub, caller, 'publish', channel);
    checkDepth(data);
    const at = await hub.publish(channel, data, {
      ...(key !== undefined && { key }),
      ...(event !== undefined && { event }),
      ...(keep !== undefined && { keep }),
      // A connection that has ended needs no exclusion.
      ...(except !== undefined && { except: { id: except } }),
    });
    return at ? { at } : {};
  };
  /** The answer for one part of many. A failure must not affect the others. */
  const attempt = async <Answer>(action: () => Promise<Answer>) => {
    try {
      return await action();
    } catch (error) {
      return failureOf(error, report).body;
    }
  };
  return [
    route({
      method: 'POST',
      path: '/api/publish',
      summary: 'Publishes data to a channel. The header Idempotency-Key is the same as `key`.',
      right: 'publish',
      body: schemas.publishBody,
      hasData: true,
      answer: schemas.published,
      handle: ({ caller, body, request }) => publish(caller, withKey(body, request)),
    }),
    route({
      method: 'POST',
      path: '/api/broadcast',
      summary: 'Publishes the same data to several channels.',
      right: 'publish',
      body: schemas.broadcastBody,
      hasData: true,
      answer: schemas.broadcasted,
      handle: async ({ caller, body, request }) => {
        const { channels, ...rest } = withKey(body, request);
        for (const channel of channels) permit(caller, 'publish', channel);
        const published = channels.map(async (channel) => ({
          channel,
          ...(await attempt(() => publish(caller, { ...rest, channel }))),
        }));
        return { published: await Promise.all(published) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/batch',
      summary: 'Publishes many things, each as for /api/publish. A refused one does not affect the others.',
      right: 'publish',
      body: schemas.looseBatch,
      hasData: true,
      documented: schemas.batchBody,
      answer: schemas.batched,
      handle: ({ caller, body }) =>
        // All at once, so that the log can store them together. Those of one channel keep their order.
        Promise.all(
          body.map((part) => attempt(async () => publish(caller, check(schemas.publishBody, part, 'the publication')))),
        ),
    }),
  ];
}

/** Takes the key from the header as well as from the body. */
function withKey<Body extends { key?: string | undefined }>(body: Body, request: IncomingMessage): Body {
  const header = request.headers['idempotency-key'];
  if (typeof header !== 'string') return body;
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header; // quoted in the IETF's draft
  if (key.length === 0 || key.length > LIMITS.key)
    throw new ProtocolError('BAD_MESSAGE', `the header Idempotency-Key must have 1 to ${LIMITS.key} characters`);
  if (body.key !== undefined && body.key !== key)
    throw new ProtocolError('BAD_MESSAGE', 'the header Idempotency-Key and the member key differ');
  return { ...body, key };
}
