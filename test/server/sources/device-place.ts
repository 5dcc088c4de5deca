import type { TestContext } from 'node:test';
import type { Daemon } from '../../../src/server/daemon.ts';
import { connect } from '../../../src/stream/index.ts';
import type { ConfigInput } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import { until } from '../../support/until.ts';

/** Devices that send JSON in lines, and are answered with the number of the reading. */
export const DOORS = {
  listen: 'tcp://127.0.0.1:0',
  frame: 'lines',
  decode: { kind: 'json' },
  device: '{id}',
  channel: 'door:{device}',
  reply: 'OK {n}\n',
} as const;

export async function addressOf(daemon: Daemon, name = 'doors'): Promise<string> {
  await until(() => daemon.sourceAddresses[name] !== undefined, `${name} listened`);
  return daemon.sourceAddresses[name]![0]!;
}

/** A daemon with sources of devices, and ways to be one. */
export async function place(
  t: TestContext,
  input: ConfigInput = { channels: { 'door:*': {} }, sources: { doors: DOORS } },
  options: Parameters<typeof startDaemon>[2] = {},
) {
  const parts = await startDaemon(t, input, options);
  const device = async (name?: string) => {
    const socket = await connect(await addressOf(parts.daemon, name));
    t.after(() => socket.destroy());
    return { socket, lines: socket.lines() };
  };
  const stored = async (channel: string) =>
    (await parts.daemon.hub.history(channel, { limit: 10_000 })).entries.map(([, data]) => data);
  const metric = async (name: string, source = 'doors') => {
    const text = await (await fetch(`${parts.url}/metrics`)).text();
    return Number(new RegExp(`^zocalo_source_${name}\\{source="${source}"\\} (.*)$`, 'm').exec(text)?.[1]);
  };
  return { ...parts, device, stored, metric };
}
