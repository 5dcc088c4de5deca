import { big } from './cases/big.ts';
import { conformance } from './conformance.ts';

conformance('big messages', big, 4);
