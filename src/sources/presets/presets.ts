import { anviz } from './anviz.ts';
import { gt06 } from './gt06.ts';
import { mllp } from './mllp.ts';
import { modbus } from './modbus.ts';
import type { HttpPreset, Preset } from './preset.ts';
import { syslog } from './syslog.ts';
import { teltonika } from './teltonika.ts';
import { nmea, statsd, stxEtx } from './texts.ts';
import { zktecoPush } from './zkteco.ts';

/** Kinds of devices by the name that a configuration gives them. */
export const PRESETS = {
  'stx-etx': stxEtx,
  mllp,
  nmea,
  syslog,
  statsd,
  modbus,
  gt06,
  teltonika,
  anviz,
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;

/** Kinds of devices that speak HTTP. */
export const HTTP_PRESETS = { 'zkteco-push': zktecoPush } as const satisfies Readonly<Record<string, HttpPreset>>;
