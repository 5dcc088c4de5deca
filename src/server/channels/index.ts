export { channelsOf, type ImpliedChannel, impliedChannels } from './channels.ts';
