export { ADMIN_CHANNELS, Admin, type AdminOptions } from './admin.ts';
export { Administrators } from './administrators.ts';
export { readAdminPage } from './files.ts';
export { type LinkState, linkRows } from './links.ts';
export { AdminSessions, type AdminSessionsOptions } from './sessions.ts';
