import { kinds } from './cases/compression.ts';
import { conformance } from './conformance.ts';

conformance('compression of five kinds of data', kinds, 4);
