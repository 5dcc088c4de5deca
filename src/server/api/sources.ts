import { ProtocolError } from '../../protocol/index.ts';
import { type Route, route } from './route.ts';
import * as schemas from './source-schemas.ts';

interface ListedDevice {
  readonly source: string;
  readonly device: string;
  readonly here: boolean;
  readonly address: string | undefined;
  readonly lastSeen: number | undefined;
  readonly frames: number;
  readonly errors: number;
  readonly lastError: object | undefined;
}

/** The daemon's sources, and their devices. */
export interface SourceList {
  list(): readonly { readonly name: string }[];
  /** Of all sources, or of one. */
  devices(source?: string): readonly ListedDevice[];
}

/** Devices of a page, where the caller does not say. */
const DEVICES = 100;

/** The routes that tell of what feeds channels. */
export function sourceRoutes(sources: SourceList): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/sources',
      summary: 'The sources: whether they work, what is wrong, and what waits, on this node.',
      right: 'read',
      answer: schemas.sources,
      handle: () => ({ sources: sources.list() }),
    }),
    route({
      method: 'GET',
      path: '/api/devices',
      summary: 'The devices of sources on this node, by source and name: those that are here, and those remembered.',
      right: 'read',
      query: schemas.devicesQuery,
      answer: schemas.devices,
      handle: ({ query: { source, limit = DEVICES, after = '' } }) => {
        if (source !== undefined && !sources.list().some(({ name }) => name === source))
          throw new ProtocolError('NOT_OFFERED', `there is no source ${source}: GET /api/sources lists them`);
        const all = sources.devices(source).map((device) => ({ place: placeOf(device), device }));
        const left = all.filter(({ place }) => place > after).sort((a, b) => (a.place < b.place ? -1 : 1));
        const page = left.slice(0, limit);
        const next = left.length > limit ? { next: page.at(-1)!.place } : {};
        return { devices: page.map(({ device }) => shown(device)), ...next };
      },
    }),
  ];
}

/** Its place in the list. Names of sources have no colon. */
function placeOf({ source, device }: ListedDevice): string {
  return `${source}:${device}`;
}

function shown({ source, device, here, address, lastSeen, frames, errors, lastError }: ListedDevice): object {
  return { source, device, here, address, lastSeen, frames, errors, lastError };
}
