export { AddressLimits, type Breach } from './address-limits.ts';
export { ClientAddress, type Forwarding } from './client-address.ts';
export { neighbourhood, normalAddress } from './ip.ts';
export { roomFor, SocketBudget } from './socket-budget.ts';
