import { z } from 'zod';
import { admin } from '../admin/config.ts';
import { api } from '../api/config.ts';
import { auth, secret } from '../auth/config.ts';
import { channels, linger } from '../channels/config.ts';
import { chat } from '../chat/config.ts';
import { hosts, keepAlive, origins, proxies, socket } from '../http/config.ts';
import { limits } from '../limits/config.ts';
import { drain, log } from '../operations/config.ts';
import { store } from '../stores/config.ts';
import { tls } from '../tls/config.ts';
import { lines, listen, ping } from '../transports/config.ts';
import { webhooks } from '../webhooks/config.ts';

/**
 * The daemon's configuration: every key, its default, and a sentence about it that `zocalo init` writes into the file
 * and docs/options.md repeats. What is not in here is an error. Each room has its keys in a `config.ts` of its own; the
 * order is that of the documentation.
 */
export const configSchema = z.strictObject({
  listen,
  socket,
  lines,
  store,
  secret,
  channels,
  auth,
  api,
  webhooks,
  tls,
  proxies,
  origins,
  hosts,
  limits,
  ping,
  keepAlive,
  linger,
  drain,
  log,
  chat,
  admin,
});

/** What the daemon runs on: all defaults filled in, durations in milliseconds, sizes in bytes. */
export type Config = z.output<typeof configSchema>;
/** What may stand in a file: everything may be left out. */
export type ConfigInput = z.input<typeof configSchema>;
export { type ApiKeyConfig, type ApiRight, RIGHTS } from '../api/config.ts';
export type { HookConfig, JwtConfig, LoginConfig } from '../auth/config.ts';
export { type ChannelConfig, WHO, type Who } from '../channels/config.ts';
export type { CertificateConfig } from '../tls/config.ts';
export type { WebhookConfig } from '../webhooks/config.ts';
