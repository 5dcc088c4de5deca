import { z } from 'zod';
import { bytes, bytesOf, messageSize } from '../value-types/index.ts';

export const limits = z
  .strictObject({
    connections: z.int().positive().default(100_000).describe('Connections at a time.'),
    connectionsPerAddress: z
      .int()
      .positive()
      .default(1_000)
      .describe('Connections of one client address, whatever they say or do not say: a large office may share one.'),
    connectsPerSecond: z
      .number()
      .positive()
      .default(50)
      .describe('New WebSockets, streams and raw connections a second of one client address; four times that at once.'),
    messagesPerSecond: z
      .number()
      .positive()
      .default(100)
      .describe('Lines a second of one connection; twice that at once.'),
    bytesPerSecond: bytesOf({ least: '1KiB' })
      .prefault('256KiB')
      .describe('Bytes a second of one connection; eight times that at once.'),
    subscriptions: z.int().positive().default(256).describe('Subscriptions of one connection.'),
    keys: z
      .int()
      .positive()
      .default(4_000_000)
      .describe("Publications' keys that may be known at a time, some 60 bytes each. They are known for ten minutes."),
    maxMessage: messageSize.prefault('1MiB').describe('Bytes of the largest frame.'),
    queue: bytes.prefault('1MiB').describe('Bytes queued for a reader above which it is slow.'),
  })
  .prefault({})
  .describe('For the open internet. A breach is answered with a code, and counted in /metrics.');
