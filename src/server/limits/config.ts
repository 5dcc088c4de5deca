import { z } from 'zod';
import { bytes, bytesOf, messageSize } from '../value-types/index.ts';

export const limits = z
  .strictObject({
    connections: z.int().positive().default(100_000).describe('Connections at a time, of all addresses.'),
    connectionsPerAddress: z
      .int()
      .positive()
      .default(1_000)
      .describe('Connections at a time of one client address, idle ones too. A large office may share one address.'),
    connectsPerSecond: z
      .number()
      .positive()
      .default(50)
      .describe(
        'New WebSockets, streams and raw connections per second of one client address, on average; bursts of four times as many.',
      ),
    messagesPerSecond: z
      .number()
      .positive()
      .default(100)
      .describe('Lines per second of one connection, on average; bursts of twice as many.'),
    bytesPerSecond: bytesOf({ least: '1KiB' })
      .prefault('256KiB')
      .describe('Bytes per second of one connection, on average; bursts of eight times as many.'),
    subscriptions: z.int().positive().default(256).describe('Subscriptions of one connection.'),
    keys: z
      .int()
      .positive()
      .default(4_000_000)
      .describe(
        'Keys of publications that are remembered at a time, some 60 bytes each. Each is remembered for ten minutes.',
      ),
    maxMessage: messageSize.prefault('1MiB').describe('Largest frame, in bytes.'),
    queue: bytes.prefault('1MiB').describe('Bytes queued for a reader; above this, it counts as slow.'),
  })
  .prefault({})
  .describe('Limits for the open internet. Exceeding one is answered with an error code, and counted in /metrics.');
