import { LIMITS, type Position, ProtocolError } from '../../../protocol/index.ts';

/** Positions as the id of an event: `epoch:offset`, for several channels one after the other, in their order. */
export function eventId(positions: readonly Position[]): string {
  return positions.map(([epoch, offset]) => `${encodeURIComponent(epoch)}:${offset}`).join(',');
}

/** @throws ProtocolError BAD_MESSAGE when it is not the id of an event with so many channels. */
export function parseEventId(id: string, channels: number): Position[] {
  const parts = id.split(',');
  const positions = parts.flatMap((part): Position[] => {
    const [, epoch, offset] = /^([^:]{1,200}):(\d{1,15})$/.exec(part) ?? [];
    const name = epoch === undefined ? '' : decoded(epoch);
    return name.length > 0 && name.length <= LIMITS.epoch ? [[name, Number(offset)]] : [];
  });
  if (positions.length === parts.length && positions.length === channels) return positions;
  throw new ProtocolError(
    'BAD_MESSAGE',
    `${JSON.stringify(id.slice(0, 40))} is not the id of an event of ${channels === 1 ? 'this channel' : `these ${channels} channels`}`,
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
