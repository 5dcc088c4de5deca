export { ADMIN_CHANNELS, Admin, type AdminOptions } from './admin.ts';
export { readAdminPage } from './admin-page.ts';
export type { AdminSession } from './view.ts';
