import type { Hub } from '../../hub/index.ts';
import { checkOffered } from './offered.ts';
import { checkDepth, permit, type Route, route } from './route.ts';
import * as schemas from './schemas.ts';

/** The routes that change what was published. */
export function editingRoutes(hub: Hub): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/erase',
      summary: 'Empties a publication in the log, and tells the readers.',
      right: 'edit',
      body: schemas.eraseBody,
      answer: schemas.edited,
      handle: async ({ caller, body: { channel, at } }) => {
        permit(caller, 'edit', channel);
        checkOffered(hub, caller, 'edit', channel);
        return { at: await hub.erase(channel, at) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/replace',
      summary: 'Puts other data in the place of a publication in the log, and tells the readers.',
      right: 'edit',
      body: schemas.replaceBody,
      hasData: true,
      answer: schemas.edited,
      handle: async ({ caller, body: { channel, at, data } }) => {
        permit(caller, 'edit', channel);
        checkOffered(hub, caller, 'edit', channel);
        checkDepth(data);
        return { at: await hub.replace(channel, at, data) };
      },
    }),
  ];
}
