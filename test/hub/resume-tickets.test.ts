import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResumeTickets } from '../../src/hub/connections/resume-tickets.ts';
import { Shares } from '../../src/hub/shares.ts';
import { FakeClock } from '../support/fake-clock.ts';

function setUp() {
  const clock = new FakeClock();
  const tickets = new ResumeTickets(clock, 1_000);
  const issue = (member: string) => {
    const connection = { user: undefined, member, end() {} };
    return { connection, ticket: tickets.issue(connection) };
  };
  return { clock, tickets, issue };
}

test('a ticket names its connection once, and no two are the same', () => {
  const { tickets, issue } = setUp();
  const [one, other] = [issue('1'), issue('2')];
  assert.notEqual(one.ticket, other.ticket);
  // 16 random bytes, as in a random UUID.
  assert.match(one.ticket, /^[\w-]{22}$/);
  assert.equal(tickets.take(one.ticket), one.connection);
  assert.equal(tickets.take(one.ticket), undefined);
  assert.equal(tickets.take(other.ticket), other.connection);
  assert.equal(tickets.take('guessed'), undefined);
});

test('a ticket is valid while its connection lives and for linger afterwards, and leaves no timer behind', () => {
  const { clock, tickets, issue } = setUp();
  const [lost, taken, living] = [issue('1'), issue('2'), issue('3')];
  clock.advance(100_000);
  tickets.expire(lost.ticket);
  tickets.expire(taken.ticket);
  tickets.expire('unknown');
  assert.equal(clock.pending, 2);
  clock.advance(999);
  assert.equal(tickets.take(taken.ticket), taken.connection);
  assert.equal(clock.pending, 1);
  clock.advance(1);
  assert.deepEqual([tickets.take(lost.ticket), clock.pending], [undefined, 0]);
  assert.equal(tickets.take(living.ticket), living.connection);
});

test('when the hub closes, all tickets are void and no timer remains', () => {
  const { clock, tickets, issue } = setUp();
  const [lost, living] = [issue('1'), issue('2')];
  tickets.expire(lost.ticket);
  tickets.close();
  assert.deepEqual([clock.pending, tickets.take(lost.ticket), tickets.take(living.ticket)], [0, undefined, undefined]);
});

test('everybody may have their share, in parts, and again what was given back', () => {
  const shares = new Shares(10);
  assert.ok(shares.take('ana', 4) && shares.take('ana', 6));
  assert.ok(!shares.take('ana', 1));
  assert.ok(shares.take('luis', 10), 'others have their own');
  shares.giveBack('ana', 4);
  assert.ok(!shares.take('ana', 5), 'nothing is taken of what would be too much');
  assert.ok(shares.take('ana', 4));
  shares.giveBack('ana', 10);
  assert.ok(!shares.take('ana', 11));
  assert.ok(shares.take('ana', 10));
  shares.giveBack('nobody', 5);
  assert.ok(!shares.take('nobody', 11));
});
