export type { HttpCall, HttpPreset, Preset } from './preset.ts';
export { HTTP_PRESETS, PRESETS, type PresetName } from './presets.ts';
