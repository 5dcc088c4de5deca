import { z } from 'zod';
import { admin } from '../admin/config.ts';
import { api } from '../api/config.ts';
import { auth, secret } from '../auth/config.ts';
import { channels, linger } from '../channels/config.ts';
import { chat } from '../chat/config.ts';
import { databases } from '../databases/config.ts';
import { handlers } from '../handlers/config.ts';
import { hosts, keepAlive, origins, proxies, socket } from '../http/config.ts';
import { limits } from '../limits/config.ts';
import { drain, log } from '../operations/config.ts';
import { programs } from '../programs/config.ts';
import { sinks } from '../sinks/config.ts';
import { sources } from '../sources/config.ts';
import { store } from '../stores/config.ts';
import { tls } from '../tls/config.ts';
import { listen, ping } from '../transports/config.ts';
import { webhooks } from '../webhooks/config.ts';

/**
 * The daemon's configuration: every key, its default, and a sentence about it, which `zocalo init` writes into the file
 * and docs/options.md repeats. Unknown keys are errors. Each room has its keys in its own `config.ts`; the order is
 * that of the documentation.
 */
export const configSchema = z.strictObject({
  listen,
  socket,
  store,
  secret,
  channels,
  auth,
  handlers,
  api,
  webhooks,
  programs,
  databases,
  sources,
  sinks,
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

/** The configuration that the daemon uses: with all defaults, durations in milliseconds, sizes in bytes. */
export type Config = z.output<typeof configSchema>;
/** The configuration as a file has it: everything is optional. */
export type ConfigInput = z.input<typeof configSchema>;
export { type ApiKeyConfig, type ApiRight, RIGHTS } from '../api/config.ts';
export type { JwtConfig, LoginConfig, UsersDatabase } from '../auth/config.ts';
export { type ChannelConfig, WHO, type Who } from '../channels/config.ts';
export type { IntoConfig } from '../databases/index.ts';
export type { HandlerConfig } from '../handlers/config.ts';
export type { ChannelProgramConfig } from '../programs/config.ts';
export type {
  DeviceConfig,
  LineSourceConfig,
  MqttConfig,
  OutboxConfig,
  ProgramDecodeConfig,
  PushConfig,
  SourceConfig,
} from '../sources/config.ts';
export type { CertificateConfig } from '../tls/config.ts';
export type { WebhookConfig } from '../webhooks/config.ts';
