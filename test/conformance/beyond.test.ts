import { beyond } from './cases/beyond.ts';
import { conformance } from './conformance.ts';

conformance('beyond the original', beyond, 8);
