import { testBroker } from '../../contract/broker.contract.ts';

testBroker('Redis Cluster');
