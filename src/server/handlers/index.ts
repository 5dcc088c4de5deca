export { commandsOn } from './commands.ts';
export { fastcgiAddress } from './fastcgi-address.ts';
export { type Allowed, type HandlerConfigs, Handlers, loadCarriers } from './handlers.ts';
export { concerns } from './table.ts';
