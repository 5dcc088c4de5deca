import { testBroker } from '../../contract/broker.contract.ts';

testBroker('redis');
testBroker('Redis with Sentinel');
