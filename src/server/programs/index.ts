export { ChannelPrograms } from './channel-programs.ts';
