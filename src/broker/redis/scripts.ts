import { hash } from 'node:crypto';

/** A script, and the name that a server knows it by. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** Between the fields of what is announced: no JSON text has this character, and no name of a channel. */
export const FIELD = '\x1f';

export function scriptOf(text: string): Script {
  return { text, sha: hash('sha1', text) };
}

/** The server process whose logs these are, and the history of its data. Undefined: logs survive whatever happens to it. */
export type Writer = { readonly run: string; readonly history: string } | undefined;

function runOf(server: Writer): string {
  return server ? hash('sha1', `${server.run} ${server.history}`).slice(0, 16) : '-';
}

/**
 * What the scripts have in common. All times are the caller's moment (see log-time.ts), not the server's clock.
 *
 * A log is a text of ten words: its epoch, the epoch with which it began, head, oldest, the milliseconds that entries
 * are kept, the time of the newest one, the run of the server that wrote it, after a change of the run the epoch before
 * it and the head at that time, and until when its entries are sure not to be expired by the server. Each call of Redis
 * from a script costs microseconds, so that one text is much cheaper than a hash and its expiry.
 *
 * The epoch of a log that does not exist yet follows from the seed of its partition, an era, and the number of logs
 * that were deleted in its bucket. Logs that nobody uses expire, which nobody counts; so the era changes in less time
 * than a log takes to expire, and no epoch is used twice. It follows from the run of the server as well: a failover may
 * lose a log as a whole, and keep the seed.
 */
const common = (server: Writer) => `
local run = '${runOf(server)}'
local seeds, meta, stream = KEYS[1], KEYS[2], KEYS[3]
local channel, bucket, now, sure, since = ARGV[1], ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local eraSeconds = tonumber(ARGV[7])

local function nextEpoch()
  local known = redis.call('HMGET', seeds, 'seed', 'era', 'at', 'e' .. bucket)
  local second = tonumber(redis.call('TIME')[1])
  local seed, era = known[1], tonumber(known[2] or 0)
  if not seed then
    seed = ARGV[3]
    redis.call('HSET', seeds, 'seed', seed, 'era', 0, 'at', second)
  elseif second - known[3] >= eraSeconds or second < known[3] - 60 then
    era = era + 1
    redis.call('HSET', seeds, 'era', era, 'at', second)
  end
  return string.sub(redis.sha1hex(seed .. ' ' .. era .. ' ' .. (known[4] or 0) .. ' ' .. run .. ' ' .. channel), 1, 18)
end

local WORDS = '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$'

local function aged(time)
  if time > now + 60000 then return since end
  return time
end

local function idOf(entry) return tonumber(string.match(entry[1], '^%d+')) end
local function timeOf(entry) return tonumber(entry[2][2]) end
local function whole(number) return string.format('%.0f', number) end

local function expired(oldest, head, size, ttl)
  local low = math.max(oldest, head - size + 1)
  if low > head then return head + 1 end
  local first = redis.call('XRANGE', stream, whole(low), '+', 'COUNT', 1)[1]
  if not first then return head + 1 end
  low = math.max(low, idOf(first))
  local limit = sure - ttl
  if aged(timeOf(first)) > limit then return low end
  local high = head + 1
  low = low + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('XRANGE', stream, whole(middle), whole(middle))[1]
    if entry and aged(timeOf(entry)) > limit then high = middle else low = middle + 1 end
  end
  return low
end

local function clear(oldest, head)
  if oldest > head then redis.call('UNLINK', stream)
  else redis.call('XTRIM', stream, 'MINID', '~', whole(oldest), 'LIMIT', 1000) end
end
`;

/** First word of the answer of a script that is of an earlier history of the server. */
export const STALE = 'STALE';

/** Milliseconds without a publication after which a log asks who the server is: less than two failovers take. */
const MOMENT = 500;

/** Milliseconds for which follow-ups are kept that nobody does. */
const FORGOTTEN_FOLLOW_UPS = 7 * 24 * 3_600_000;

/** Entries between two rounds of deleting what readers no longer see: Redis keeps up to a hundred in one node anyway. */
const CLEAR_EVERY = 32;

/**
 * Appends what was published to a channel in one turn. Everything is read before anything is written, so that a key of
 * another type changes nothing. Who the server is, is part of the text: only the server process that has this run knows
 * the script, and no other can append by mistake (see single-link.ts). A process that was a replica meanwhile may have
 * lost the end of a log too, with its run unchanged, but not its history: so a log that was not written for a moment
 * asks for that. Without a server, epochs never change.
 *
 * KEYS: seeds, log, entries, then a key for each publication that has one, then that of follow-ups if one needs one. ARGV:
 * channel, bucket, seed, now, sure, since, era; 8 ms that keys are known; 9 ms until a log is forgotten; 10 command to
 * announce; 11 topic; 12 topic of the family; 13 node; 14 number of the call; 15 keys that there is room for; 16 for each
 * publication 1 if it needs a follow-up, else 0, or '' if none does; 17 number of owners, then for each the keys that it
 * has, and its factor; then for each publication: data, meta, size, ttl, index of its key or 0, mark of its data, index of
 * its owner, index of its sequence or 0.
 *
 * Returns the epoch, and an outcome for each publication: its offset, `=` and the offset of the first one with its key,
 * `r` for a key that was used for other data, `b` for no room, now or for an earlier one of its sequence.
 */
export function publishScript(server: Writer): Script {
  return scriptOf(`local history = '${server?.history.slice(0, 40) ?? ''}'
${common(server)}
local window, idle = tonumber(ARGV[8]), tonumber(ARGV[9])
local left, follow, owners = tonumber(ARGV[15]), ARGV[16], tonumber(ARGV[17])
local followUps, lastKey = follow ~= '' and KEYS[#KEYS], #KEYS
if followUps then
  redis.call('ZSCORE', followUps, '')
  lastKey = lastKey - 1
end
local has, factor = {}, {}
for n = 1, owners do
  has[n], factor[n] = tonumber(ARGV[16 + 2 * n]), tonumber(ARGV[17 + 2 * n])
end
local function add(offset, time, data, meta)
  if meta == '' then return redis.pcall('XADD', stream, offset, 't', time, 'd', data) end
  return redis.pcall('XADD', stream, offset, 't', time, 'd', data, 'm', meta)
end
local keys = {}
for n = 4, lastKey do
  local known = redis.call('GET', KEYS[n])
  if known then
    local offset, time, log, mark = string.match(known, '^(%S+) (%S+) (%S+) (%S+)$')
    keys[n - 3] = { offset = offset, time = tonumber(time), log = log, mark = mark }
  end
end
local log = redis.call('GET', meta)
local isNew = not log
local epoch, began, head, oldest, ttl, last, writer, previous, headThen, safe
if log then
  epoch, began, head, oldest, ttl, last, writer, previous, headThen, safe = string.match(log, WORDS)
  head, oldest, ttl, last, safe = tonumber(head), tonumber(oldest), tonumber(ttl), tonumber(last), tonumber(safe)
else
  epoch = nextEpoch()
  began, head, oldest, ttl, last, writer, previous, headThen, safe = epoch, 0, 1, 1e300, 0, run, '-', '0', 0
end
if history ~= '' and now - last > ${MOMENT} and not string.find(redis.call('INFO', 'replication'), 'master_replid:' .. history, 1, true) then
  return redis.error_reply('${STALE} the server was a replica meanwhile')
end
local appended, before, followed = {}, head, {}
local size
local outcomes, ended = {}, {}
for at = 18 + 2 * owners, #ARGV, 8 do
  local key, owner, sequence = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 6]), ARGV[at + 7]
  local outcome = ended[sequence]
  if key > 0 and not outcome then
    local known = keys[key]
    if known and known.log == began and aged(known.time) + window > sure then
      outcome = known.mark == ARGV[at + 5] and '=' .. known.offset or 'r'
    elseif has[owner] >= left * factor[owner] then
      outcome = 'b'
      if sequence ~= '0' then ended[sequence] = 'b' end
    end
  end
  if not outcome then
    if #appended == 0 then
      if isNew then redis.call('DEL', stream)
      elseif run ~= '-' and writer ~= run then
        previous, headThen = epoch, whole(head)
        epoch = string.sub(redis.sha1hex(epoch .. ' ' .. run), 1, 18)
      end
    end
    local itsTtl = tonumber(ARGV[at + 3])
    if itsTtl > ttl then oldest = expired(oldest, head, 1e300, ttl) end
    size, ttl = tonumber(ARGV[at + 2]), itsTtl
    if not (last > now and last <= now + 60000) then last = now end
    head = head + 1
    local offset, time = whole(head), whole(last)
    if size > 0 then
      local added = add(offset, time, ARGV[at], ARGV[at + 1])
      if type(added) == 'table' and added.err then
        if not string.find(added.err, 'equal or smaller') then return added end
        -- Somebody has changed the keys: the entries are not of this log.
        redis.call('DEL', stream)
        oldest = head
        add(offset, time, ARGV[at], ARGV[at + 1])
      end
    end
    oldest = math.max(oldest, head - size + 1)
    if key > 0 then
      redis.call('SET', KEYS[key + 3], offset .. ' ' .. whole(now) .. ' ' .. began .. ' ' .. ARGV[at + 5], 'PX', whole(2 * window + 60000))
      keys[key] = { offset = offset, time = now, log = began, mark = ARGV[at + 5] }
      has[owner], left = has[owner] + 1, left - 1
    end
    appended[#appended + 1] = whole((at - 18 - 2 * owners) / 8)
    appended[#appended + 1] = time
    appended[#appended + 1] = ARGV[at]
    appended[#appended + 1] = ARGV[at + 1]
    if followUps and string.byte(follow, #outcomes + 1) == 49 then
      followed[#followed + 1] = whole(now)
      followed[#followed + 1] = epoch .. ' ' .. string.char(96 + #offset) .. offset .. ' ' .. channel
    end
    outcome = offset
  end
  outcomes[#outcomes + 1] = outcome
end
if #appended > 0 then
  if math.floor(before / ${CLEAR_EVERY}) ~= math.floor(head / ${CLEAR_EVERY}) or oldest > head then
    oldest = expired(oldest, head, 1e300, ttl)
    clear(oldest, head)
  end
  local needed = now + ttl + 86400000
  if ttl >= 1e15 then
    if safe < 1e15 then redis.call('PERSIST', stream) end
    safe = 1e300
  elseif needed > safe or safe >= 1e15 then
    safe = needed + 3600000
    redis.call('PEXPIRE', stream, whole(ttl + 90000000))
  end
  local log = table.concat({ epoch, began, whole(head), whole(oldest), ttl, whole(last), run, previous, headThen, safe }, ' ')
  if ttl >= 1e15 then redis.call('SET', meta, log)
  else redis.call('SET', meta, log, 'PX', whole(ttl + idle)) end
  if #followed > 0 then
    redis.call('ZADD', followUps, unpack(followed))
    redis.call('PEXPIRE', followUps, ${FORGOTTEN_FOLLOW_UPS})
  end
  local news = table.concat({ channel, epoch, ARGV[13], ARGV[14], whole(before + 1), table.concat(appended, '\\31') }, '\\31')
  redis.call(ARGV[10], ARGV[11], news)
  redis.call(ARGV[10], ARGV[12], news)
  -- No glob hears these: see keys.ts.
  if ARGV[10] == 'SPUBLISH' then redis.call('SPUBLISH', seeds .. ':every', news) end
end
return { epoch, table.concat(outcomes, ' ') }
`);
}

/**
 * Reads a log, or shortens, deletes or changes it; on the server process that it was made for, like the one above. ARGV: as above to 7; 8 `state`, `read`, `trim`, `forget` or `rewrite`;
 * for `read` 9 epoch, 10 offset, 11 entries, 12 bytes; for `trim` 9 size, 10 ttl; for `rewrite` 9 epoch, 10 offset, 11
 * data, 12 meta.
 *
 * Returns epoch, oldest and head; the epoch before the last change of the run, and the head at that time; and for
 * `read`, if nothing is missing after that position, time, data and meta of each entry.
 */
export function logScript(server: Writer): Script {
  return scriptOf(`${common(server)}
local verb = ARGV[8]
if verb == 'forget' then
  redis.call('HINCRBY', seeds, 'e' .. bucket, 1)
  redis.call('UNLINK', meta, stream)
end
local log = redis.call('GET', meta)
if not log then return { nextEpoch(), '1', '0', '-', '0' } end
local epoch, began, headText, oldest, ttl, last, writer, previous, headThen, safe = string.match(log, WORDS)
local head = tonumber(headText)
oldest = expired(tonumber(oldest), head, 1e300, tonumber(ttl))
if verb == 'trim' then
  oldest = expired(oldest, head, tonumber(ARGV[9]), tonumber(ARGV[10]))
  log = table.concat({ epoch, began, headText, whole(oldest), ttl, last, writer, previous, headThen, safe }, ' ')
  redis.call('SET', meta, log, 'KEEPTTL')
  clear(oldest, head)
end
if verb == 'rewrite' then
  local offset, at = tonumber(ARGV[10]), 0
  if ARGV[9] ~= epoch or offset < oldest or offset > head then return { '0' } end
  -- An entry of a stream cannot be changed, and a deleted one stays in memory for a while: the stream is made again.
  local entries = redis.call('XRANGE', stream, whole(oldest), '+')
  for n, entry in ipairs(entries) do
    if idOf(entry) == offset then at = n end
  end
  if at == 0 then return { '0' } end
  redis.call('DEL', stream)
  for n, entry in ipairs(entries) do
    local fields = entry[2]
    local data, meta = fields[4], fields[6] or ''
    if n == at then data, meta = ARGV[11], ARGV[12] end
    if meta == '' then redis.call('XADD', stream, entry[1], 't', fields[2], 'd', data)
    else redis.call('XADD', stream, entry[1], 't', fields[2], 'd', data, 'm', meta) end
  end
  if tonumber(ttl) < 1e15 then redis.call('PEXPIRE', stream, whole(tonumber(ttl) + 90000000)) end
  return { '1' }
end
local answer = { epoch, whole(oldest), headText, previous, headThen }
if verb ~= 'read' or ARGV[9] ~= epoch then return answer end
local from, limit, bytes = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
if from < oldest - 1 or from >= head then return answer end
local count = 0
while count < limit and from < head do
  local entries = redis.call('XRANGE', stream, whole(from + 1), '+', 'COUNT', math.min(limit - count, 64))
  if #entries == 0 then break end
  for _, entry in ipairs(entries) do
    local fields = entry[2]
    local meta = fields[6] or ''
    bytes = bytes - #fields[4] - #meta
    if bytes < 0 and count > 0 then return answer end
    answer[#answer + 1] = fields[2]
    answer[#answer + 1] = fields[4]
    answer[#answer + 1] = meta
    count = count + 1
    from = idOf(entry)
  end
end
return answer
`);
}

/** The texts of the logs in KEYS. */
export const HEADS_SCRIPT = scriptOf("return redis.call('MGET', unpack(KEYS))");
