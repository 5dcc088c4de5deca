export { AddressLimits, type Breach } from './address-limits.ts';
export { roomFor, SocketBudget } from './socket-budget.ts';
