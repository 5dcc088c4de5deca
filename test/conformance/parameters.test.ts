import { parameters } from './cases/compression.ts';
import { conformance } from './conformance.ts';

conformance('compression with its parameters', parameters, 4);
