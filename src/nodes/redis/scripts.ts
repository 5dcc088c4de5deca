import { scriptOf } from '../../broker/index.ts';

/**
 * Changes who is in a group, and announces what became of it: one announcement for all that has changed, so that all
 * nodes are told the same in the same order.
 *
 * A group is a hash. Its field `v` is its version, and `m<member>` has the nodes that hold the member, the newest last:
 * `node US kind US shown`, joined by RS. The kind is `h`, held, or `w`: the last connection there was lost, and the
 * node waits for another. A version is a time in microseconds, and higher than the one before it; an announcement has
 * both, so that who has heard the one before knows that nothing is missing. An empty group does not exist.
 *
 * KEYS: group; the members that the node holds in this partition. ARGV: group, node, until when the node has its lease
 * in milliseconds, the command to announce, the topic, and for each member: h, w or r (release), its name, how it is
 * shown.
 *
 * Returns the version before and after, and what has changed: `+member`, shown, or `-member`, ''. Then who has come or
 * gone: `+member`, shown, or `-member`, how it was shown. Or `lease` alone: nothing was changed, since the node may be
 * swept.
 */
export const GROUP_SCRIPT = scriptOf(`
local who, held = KEYS[1], KEYS[2]
local group, node = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
if micros > ARGV[3] * 1000 then return { 'lease' } end
local before = redis.call('HGET', who, 'v') or '0'
local changes, news = {}, {}
for at = 6, #ARGV, 3 do
  local verb, member, shown = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local field = 'm' .. member
  local was = redis.call('HGET', who, field) or ''
  local holds, others, mine, shownBefore = {}, false, nil, nil
  for hold in string.gmatch(was, '[^\\30]+') do
    local by, kind, text = string.match(hold, '^([^\\31]*)\\31([^\\31]*)\\31(.*)$')
    shownBefore = text
    if by == node then mine = #holds + 1 elseif kind == 'h' then others = true end
    if by == node or kind == 'h' or verb ~= 'h' then holds[#holds + 1] = { by = by, kind = kind, text = text } end
  end
  local had = mine ~= nil
  if verb == 'h' then
    local own = mine and holds[mine]
    if not own or own.kind ~= 'h' or own.text ~= shown then
      if mine then table.remove(holds, mine) end
      holds[#holds + 1] = { by = node, kind = 'h', text = shown }
      mine = #holds
    end
  elseif verb == 'w' and not others then
    if mine then holds[mine].kind = 'w'
    else
      holds[#holds + 1] = { by = node, kind = 'w', text = shown }
      mine = #holds
    end
  elseif mine then
    table.remove(holds, mine)
    mine = nil
  end
  local texts, shownAfter = {}, nil
  for n, hold in ipairs(holds) do
    texts[n] = hold.by .. '\\31' .. hold.kind .. '\\31' .. hold.text
    shownAfter = hold.text
  end
  local is = table.concat(texts, '\\30')
  if #holds == 0 then redis.call('HDEL', who, field)
  elseif is ~= was then redis.call('HSET', who, field, is) end
  if mine and not had then redis.call('SADD', held, group .. '\\31' .. member)
  elseif not mine then redis.call('SREM', held, group .. '\\31' .. member) end
  if shownAfter ~= shownBefore then
    changes[#changes + 1] = (shownAfter and '+' or '-') .. member
    changes[#changes + 1] = shownAfter or ''
    if not shownBefore or not shownAfter then
      news[#news + 1] = (shownAfter and '+' or '-') .. member
      news[#news + 1] = shownAfter or shownBefore
    end
  end
end
if #changes == 0 then return { before, before } end
local after = string.format('%.0f', math.max(micros, before + 1))
redis.call('HSET', who, 'v', after)
if redis.call('HLEN', who) == 1 then redis.call('DEL', who) end
local text = table.concat(changes, '\\31')
redis.call(ARGV[4], ARGV[5], before .. '\\31' .. after .. '\\31' .. text)
return { before, after, text, table.concat(news, '\\31') }
`);

/** The version of a group, or the time if it is empty, then each member and how it is shown. */
export const MEMBERS_SCRIPT = scriptOf(`
local all = redis.call('HGETALL', KEYS[1])
local time = redis.call('TIME')
local answer = { string.format('%.0f', time[1] * 1000000 + time[2]) }
for at = 1, #all, 2 do
  if all[at] == 'v' then answer[1] = all[at + 1]
  else
    answer[#answer + 1] = string.sub(all[at], 2)
    answer[#answer + 1] = string.match(all[at + 1], '([^\\31]*)$')
  end
end
return answer
`);

/** How many are in each group: distinct members, on however many nodes each is. */
export const COUNTS_SCRIPT = scriptOf(`
local counts = {}
for n, who in ipairs(KEYS) do counts[n] = math.max(0, redis.call('HLEN', who) - 1) end
return counts
`);

/** The versions of groups; 0 for an empty one. */
export const VERSIONS_SCRIPT = scriptOf(`
local versions = {}
for n, who in ipairs(KEYS) do versions[n] = redis.call('HGET', who, 'v') or '0' end
return versions
`);

/** The nodes that hold a member. ARGV: the member. */
export const HOLDERS_SCRIPT = scriptOf(`
local nodes = {}
for hold in string.gmatch(redis.call('HGET', KEYS[1], 'm' .. ARGV[1]) or '', '[^\\30]+') do
  nodes[#nodes + 1] = string.match(hold, '^[^\\31]*')
end
return nodes
`);

/** Some of what a node holds in each partition. KEYS: as those of \`GROUP_SCRIPT\`. */
export const HELD_SCRIPT = scriptOf(`
local held = {}
for n, key in ipairs(KEYS) do held[n] = redis.call('SRANDMEMBER', key, 128) end
return held
`);

/** All that a node holds in each partition. KEYS: as above. */
export const ALL_HELD_SCRIPT = scriptOf(`
local held = {}
for n, key in ipairs(KEYS) do held[n] = redis.call('SMEMBERS', key) end
return held
`);

/**
 * A node's lease, by the clock of Redis. KEYS: the leases of the living, as times at which they end; the leases of those
 * that are being swept; what is known of each node; what is known of all.
 *
 * ARGV: a verb, the node, and
 * - \`renew\`: milliseconds of the lease; milliseconds after its end until a node is swept; what others may know of the
 *   node; 1 for a new node; the ids that it had before, which are to be swept: Redis may have forgotten them, and then
 *   have heard from this node by one of them. Returns now and the end of the lease, then the nodes to be swept; or now
 *   alone, if the node was swept or is being swept.
 * - \`claim\`: milliseconds after the end of a lease as above; milliseconds that sweeping may take. Returns 1 if the node
 *   is to be swept by the caller: from then on it cannot renew its lease.
 * - \`swept\`: it was. Milliseconds until it is swept once more, and then no more: a failover may have lost the first time.
 * - \`leave\`: milliseconds from now on until it is swept, and after the end of a lease as above.
 * - \`list\`: returns now, then each living node and what is known of it.
 *
 * When nobody has renewed a lease for a while, Redis was away, and nodes that live on have had no chance: then nobody is
 * swept until they had one.
 */
export const LEASE_SCRIPT = scriptOf(`
local living, dying, known, town = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local verb, node = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(number) return string.format('%.0f', number) end
if verb == 'renew' then
  local lease, patience = tonumber(ARGV[3]), tonumber(ARGV[4])
  if ARGV[6] ~= '1' and not redis.call('ZSCORE', living, node) then return { whole(now) } end
  local beat = tonumber(redis.call('HGET', town, 'beat') or 0)
  local quiet = tonumber(redis.call('HGET', town, 'quiet') or 0)
  if now - beat > lease / 2 or beat > now + lease then
    quiet = now + lease
    redis.call('HSET', town, 'quiet', whole(quiet))
  end
  redis.call('HSET', town, 'beat', whole(now))
  redis.call('ZADD', living, whole(now + lease), node)
  redis.call('HSET', known, node, ARGV[5])
  for at = 7, #ARGV do redis.call('ZADD', dying, 'NX', whole(now), ARGV[at]) end
  local answer = { whole(now), whole(now + lease) }
  if now >= quiet or quiet > now + lease then
    for _, dead in ipairs(redis.call('ZRANGEBYSCORE', living, '-inf', '(' .. whole(now - patience))) do
      answer[#answer + 1] = dead
    end
    for _, dead in ipairs(redis.call('ZRANGEBYSCORE', dying, '-inf', whole(now))) do answer[#answer + 1] = dead end
  end
  return answer
elseif verb == 'claim' then
  local until_ = redis.call('ZSCORE', living, node)
  local sweeping = redis.call('ZSCORE', dying, node)
  if until_ and tonumber(until_) >= now - ARGV[3] or not until_ and not sweeping then return 0 end
  if sweeping and tonumber(sweeping) > now then return 0 end
  redis.call('ZREM', living, node)
  redis.call('HDEL', known, node)
  redis.call('ZADD', dying, whole(now + ARGV[4]), node)
  return 1
elseif verb == 'swept' then
  if redis.call('HDEL', town, 'once ' .. node) == 1 then redis.call('ZREM', dying, node)
  else
    redis.call('HSET', town, 'once ' .. node, 1)
    redis.call('ZADD', dying, whole(now + ARGV[3]), node)
  end
elseif verb == 'leave' then
  redis.call('ZADD', living, whole(now + ARGV[3] - ARGV[4]), node)
  redis.call('HDEL', known, node)
elseif verb == 'list' then
  local answer = { whole(now) }
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', living, whole(now), '+inf')) do
    local what = redis.call('HGET', known, other)
    if what then
      answer[#answer + 1] = other
      answer[#answer + 1] = what
    end
  end
  return answer
end
return 0
`);
