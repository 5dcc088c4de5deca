/** Commits rows: `node bench/sources/writer.ts '<WriterOrder as JSON>'` prints when each transaction was committed. */
import { dialectOf } from '../../src/sources/databases/index.ts';
import { commitRows, type RowsOrder } from './rows.ts';

export interface WriterOrder extends RowsOrder {
  readonly address: string;
  readonly table: string;
}

const order = JSON.parse(process.argv[2]!) as WriterOrder;
const session = await dialectOf(order.address)!.connect(order.address, '', () => {});
const committed = await commitRows(session, order.table, order);
process.stdout.write(`${JSON.stringify(committed)}\n`, () => process.exit());
