import type { UpgradeRequest } from '../../websocket/index.ts';
import type { ThrottledLog } from '../operations/index.ts';

/** Logs a refused handshake; for a page that may not connect it says which option allows it. */
export function logRefusal(
  log: ThrottledLog,
  { url, remoteAddress, origin }: UpgradeRequest,
  status: number,
  reason: string,
): void {
  const isForeign = reason.startsWith('Pages of ');
  const advice = isForeign
    ? `: add --origins same,${origin}${origin === 'null' ? ' (pages opened as files)' : ''}`
    : '';
  log.write(
    'warn',
    'refused',
    { status, url, address: remoteAddress, origin },
    `a connection was refused: ${reason}${advice}`,
  );
}
