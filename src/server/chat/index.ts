export { chatChannels } from './channels.ts';
export { chatFiles, readChatPage } from './page.ts';
