export { effectiveConfig } from './effective.ts';
export { FILE_NAMES } from './file.ts';
export { allKeys, type Key } from './keys.ts';
export { type ConfigFlags, type LoadedConfig, type LoadOptions, loadConfig } from './load.ts';
export { ConfigError } from './problem.ts';
export * from './schema.ts';
export { type FileForm, template } from './template.ts';
