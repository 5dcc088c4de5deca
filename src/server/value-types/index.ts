export { isHttpAddress, isLineAddress, isNetwork, isWebAddress, withHostAndPort } from './addresses.ts';
export { channelName } from './channel-name.ts';
export { command } from './command.ts';
export { certificateName, hosts, origins } from './places.ts';
export { channelOrPattern, secretText, text, webAddress } from './texts.ts';
export { bytes, bytesOf, dataSize, duration, durationOf, messageSize } from './units.ts';
