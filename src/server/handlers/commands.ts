import { type Hub, isOwn } from '../../hub/index.ts';
import { channelFault, isChannel, type JsonText, LIMITS, ProtocolError } from '../../protocol/index.ts';
import { isUserId } from '../auth/index.ts';
import type { CarrierParts } from './carriers/index.ts';

/**
 * What a worker can want by itself, at any time: `["publish", n, channel, data, {key, user}]`, which is answered with
 * the position, and `["send", n, user, data]`, with the number of connections that it was sent to.
 */
export function commandsOn(hub: () => Hub): CarrierParts['onCommand'] {
  return async ({ verb, parts }) => {
    const [to, data, options] = parts;
    if (to === undefined || data === undefined) throw bad(`${verb} needs something more`);
    if (verb === 'publish') return publish(hub(), to.value, data, options?.value ?? {});
    if (verb === 'send') return send(hub(), to.value, data);
    throw new ProtocolError('UNKNOWN_VERB', `there is no command ${JSON.stringify(verb.slice(0, 32))}`);
  };
}

async function publish(hub: Hub, channel: unknown, data: JsonText, options: unknown): Promise<string> {
  if (typeof channel !== 'string') throw new ProtocolError('BAD_CHANNEL', 'publish needs the name of a channel');
  if (!isChannel(channel)) throw new ProtocolError('BAD_CHANNEL', channelFault(channel));
  if (isOwn(channel)) throw new ProtocolError('FORBIDDEN', `${channel} is one of the daemon's own channels`);
  if (!hub.offers(channel))
    throw new ProtocolError('NOT_OFFERED', `${channel} is not offered: it matches no entry of the key channels`);
  checkDepth(data);
  const { key, user, event, ...others } = options as Readonly<Record<string, unknown>>;
  const isRight = (key === undefined || isKey(key)) && (event === undefined || isKey(event));
  if (!isRight || !(user === undefined || isUserId(user)) || Object.keys(others).length > 0)
    throw bad(
      `the options of publish are key and event, texts of 1 to ${LIMITS.key} characters, and user, the id of one`,
    );
  const at = await hub.publish(channel, data, {
    ...(key !== undefined && { key }),
    ...(event !== undefined && { event }),
    ...(user !== undefined && { user }),
  });
  return JSON.stringify({ at });
}

async function send(hub: Hub, user: unknown, data: JsonText): Promise<string> {
  if (!isUserId(user)) throw bad('send needs the id of a user');
  checkDepth(data);
  return JSON.stringify(await hub.cluster.send(user, data));
}

function isKey(key: unknown): key is string {
  return typeof key === 'string' && key !== '' && key.length <= LIMITS.key && key.isWellFormed();
}

/** The same limit as for clients, so that every receiver can parse it. */
function checkDepth(data: JsonText): void {
  if (data.depth >= LIMITS.depth) throw bad(`arrays and objects may lie ${LIMITS.depth - 1} deep inside each other`);
}

function bad(sentence: string): ProtocolError {
  return new ProtocolError('BAD_MESSAGE', sentence);
}
