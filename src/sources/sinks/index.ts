export { inspectTable, type SinkFault } from './inspect.ts';
export type { Published } from './published.ts';
export { type RowTemplate, rowTemplate } from './row.ts';
export { openTable, type Row, Table, type TableOptions, type Target } from './table.ts';
export { SinkWriter, type WaitingRows, type WriterOptions, type WriterStatus } from './writer.ts';
