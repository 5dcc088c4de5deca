import { z } from 'zod';
import { isChannel } from '../../protocol/index.ts';
import { databaseName, tableText } from '../databases/index.ts';
import { isLineAddress, text } from '../value-types/index.ts';
import { addresses, device, mqtt, push, readingsInto } from './device-config.ts';

const database = z.strictObject({
  database: databaseName.describe('The database that has the outbox: its name in databases, or its address.'),
  table: tableText
    .default('zocalo_outbox')
    .describe('The outbox: rows that are published, and deleted when they are in the log.'),
  notifications: databaseName
    .optional()
    .describe(
      'For Postgres behind a pooler that passes no notifications on: its own address, or its name in databases, to LISTEN there.',
    ),
});

const lines = z.strictObject({
  lines: text(isLineAddress, 'an address like tcp://127.0.0.1:1337')
    .transform((value) => value.toLowerCase())
    .describe('Where to listen for raw lines, for nc and programs: each is published, and publications come as lines.'),
  channel: text(isChannel, 'one channel, like readings').describe('The one channel that the lines are for.'),
  addresses: addresses.describe('The addresses and networks from which one may connect. Default: any.'),
  into: readingsInto,
});

/** With it, the keys of rows have at most 64 characters. */
const sourceName = text((name) => /^[\w-]{1,24}$/.test(name), 'a name of 1 to 24 letters, digits, - and _');

/** A map, not a list: the names stand in metrics, in the log and in keys of publications, and must not move. */
export const sources = z
  .record(
    sourceName,
    z
      .union([database, device, lines, mqtt, push])
      .meta({ allowed: 'a map with database, listen, dial, file, mqtt, push or lines' }),
  )
  .default({})
  .describe('What feeds channels, by a name of yours: see docs/databases.md and docs/devices.md.');

export type OutboxConfig = z.output<typeof database>;
export type LineSourceConfig = z.output<typeof lines>;
export type { DeviceConfig, MqttConfig, PushConfig } from './device-config.ts';
export type { ProgramDecodeConfig } from './frame-config.ts';
export type SourceConfig = z.output<typeof sources>[string];
