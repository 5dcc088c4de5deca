import { z } from 'zod';
import { duration, hosts as hostList, isNetwork, origins as originList, text } from '../value-types/index.ts';

export const socket = z
  .string()
  .optional()
  .describe(
    'Path of a Unix socket with the HTTP API for programs on this machine. They need no key: its file mode (0660) controls access.',
  );

const network = text(isNetwork, 'an address or network like 127.0.0.1 or 10.0.0.0/8');

export const proxies = z
  .array(network)
  .default([])
  .describe(
    'Addresses and networks (10.0.0.0/8) of trusted proxies, whose X-Forwarded-For and Forwarded headers are used.',
  );

export const origins = originList
  .default('same')
  .describe(
    "Pages that may connect and log in, besides those of the same host: origins like https://example.org or https://*.example.org, or '*' for all.",
  );

export const hosts = hostList
  .default('*')
  .describe(
    "Host names that the server answers to, besides IP addresses and localhost: chat.example.org, *.example.org, or '*' for all.",
  );

export const keepAlive = duration
  .prefault('75s')
  .describe(
    'How long an idle HTTP connection stays open. It must be longer than the proxy in front keeps its connections (60 seconds is common), or the proxy sometimes answers with 502.',
  );
