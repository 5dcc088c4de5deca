import { z } from 'zod';
import { duration, hosts as hostList, isNetwork, origins as originList, text } from '../value-types/index.ts';

export const socket = z
  .string()
  .optional()
  .describe('Path of a Unix socket with the HTTP API for programs of this machine; its file mode (0660) is the key.');

const network = text(isNetwork, 'an address or network like 127.0.0.1 or 10.0.0.0/8');

export const proxies = z
  .array(network)
  .default([])
  .describe('Addresses and networks (10.0.0.0/8) of proxies whose X-Forwarded-For and Forwarded are believed.');

export const origins = originList
  .default('same')
  .describe(
    "Pages that may connect and log in, besides those of the same host: origins like https://example.org or https://*.example.org, or '*'.",
  );

export const hosts = hostList
  .default('*')
  .describe(
    "Names by which the server may be called, besides IP addresses and localhost: chat.example.org, *.example.org, or '*'.",
  );

export const keepAlive = duration
  .prefault('75s')
  .describe(
    'How long an HTTP connection stays open between two requests: longer than the proxy in front keeps its own (60 seconds is common), or it answers with 502 now and then.',
  );
