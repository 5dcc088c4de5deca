import { testBroker } from './broker.contract.ts';

testBroker('memory');
testBroker('sqlite');
