export { Database, type DatabaseFormat, type DatabaseOptions } from './database.ts';
export { DatabaseFile } from './database-file.ts';
export { rowsAsArrays } from './rows-as-arrays.ts';
