export { databaseAddress } from './address.ts';
export { type IntoConfig, into } from './into.ts';
export { databaseName } from './names.ts';
export { tableText } from './texts.ts';
