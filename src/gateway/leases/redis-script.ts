/**
 * `LeaseBook.exchange` of the routing room, in Lua, so that one message is one atomic step in Redis.
 *
 * KEYS: the session, then one account an ask. ARGV: sequence, time in epoch ms (empty: Redis' own, which is what counts
 * outside of tests), session name, then eleven values an ask: kind, limit, period ms, span, release, owe, first, need,
 * spare, holds, lease ms. Answers one string: a line a grant, `granted leaseMs left waitMs epoch renewsMs lost scarce`.
 * Numbers are doubles here as they are in JavaScript; those that are stored are written with 17 digits, which is exact.
 */
export const EXCHANGE_SCRIPT = `
local SESSION_MS, SCARCE_MS, PLACE_WAIT_MS, LENT_WAIT_MS, DAY_MS = 120000, 2000, 100, 1000, 86400000
local sequence, session = tonumber(ARGV[1]), ARGV[3]
local now = tonumber(ARGV[2])
if now == nil then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
end

local function text(number) return string.format('%.17g', number) end

local known = redis.call('HMGET', KEYS[1], 'sequence', 'answer', 'seen')
local last = tonumber(known[1] or '')
if last ~= nil and now - tonumber(known[3]) >= SESSION_MS then last = nil end
if last ~= nil and last >= sequence then
  redis.call('HSET', KEYS[1], 'seen', text(now))
  redis.call('PEXPIRE', KEYS[1], SESSION_MS)
  if last == sequence then return known[2] end
  local lines = {}
  for index = 2, #KEYS do lines[index - 1] = '0 0 0 0 0 0 0 0' end
  return table.concat(lines, '\\n')
end
local isNext = last == sequence - 1

-- Days since 1970 of the first of a month, and back (Howard Hinnant, chrono-compatible low-level date algorithms).
local function daysOf(year, month)
  if month <= 2 then year = year - 1 end
  local era = math.floor(year / 400)
  local ofEra = year - era * 400
  local shifted = month > 2 and month - 3 or month + 9
  local ofYear = math.floor((153 * shifted + 2) / 5)
  return era * 146097 + ofEra * 365 + math.floor(ofEra / 4) - math.floor(ofEra / 100) + ofYear - 719468
end
local function monthOf(days)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400
  if month <= 2 then year = year + 1 end
  return year, month
end
local function spanOf(span)
  local day = math.floor(now / DAY_MS)
  if span == 'day' then return day * DAY_MS, (day + 1) * DAY_MS end
  local year, month = monthOf(day)
  local nextYear, nextMonth = year, month + 1
  if nextMonth > 12 then nextYear, nextMonth = year + 1, 1 end
  return daysOf(year, month) * DAY_MS, daysOf(nextYear, nextMonth) * DAY_MS
end

local function grantOf(available, first, need, spare, isScarce)
  if available < first then return 0 end
  local needed = math.min(available, need)
  if isScarce then return needed end
  return needed + math.min(spare, math.floor((available - needed) / 2))
end

local lines = {}
for index = 2, #KEYS do
  local key, at = KEYS[index], 3 + (index - 2) * 11
  local kind, limit, period, span = ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), ARGV[at + 4]
  local release, owe, first = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7])
  local need, spare, holds = tonumber(ARGV[at + 8]), tonumber(ARGV[at + 9]), tonumber(ARGV[at + 10])
  local leaseMs = tonumber(ARGV[at + 11])
  if not isNext then release = 0 end
  local scarceUntil = tonumber(redis.call('HGET', key, 'scarce') or '') or -1
  local isScarce = scarceUntil > now
  local granted, left, waitMs, epoch, renewsMs, lost, keepMs = 0, 0, 0, 0, 0, 0, SCARCE_MS
  if kind == 'rate' then
    local interval = period / limit
    local burst = math.max(period, interval)
    local full = tonumber(redis.call('HGET', key, 'full') or '') or 0
    full = math.min(math.max(full, now) + (owe - release) * interval, now + 2 * burst)
    local exact = (now + burst - math.max(full, now)) / interval
    local available = math.max(0, math.floor(exact + 1e-9))
    granted = grantOf(available, first, need, spare, isScarce)
    full = math.max(full, now) + granted * interval
    redis.call('HSET', key, 'full', text(full))
    left = available - granted
    if granted < first then
      waitMs = math.max(1, math.ceil((first - exact) * interval))
      if first > math.floor(burst / interval + 1e-9) then waitMs = -1 end
    end
    keepMs = keepMs + 2 * burst
  elseif kind == 'calendar' then
    local stored = redis.call('HMGET', key, 'start', 'stop', 'used')
    local start, stop, used = tonumber(stored[1] or ''), tonumber(stored[2] or ''), tonumber(stored[3] or '')
    if stop == nil or now >= stop then
      start, stop = spanOf(span)
      used = 0
    end
    used = math.max(0, used + owe - release)
    local available = math.max(0, limit - used)
    granted = grantOf(available, first, need, spare, isScarce)
    redis.call('HSET', key, 'start', text(start), 'stop', text(stop), 'used', text(used + granted))
    left = available - granted
    epoch = start
    renewsMs = stop - now
    local fullLeaseMs = leaseMs
    leaseMs = math.min(leaseMs, renewsMs)
    local lentUntil = tonumber(redis.call('HGET', key, 'lent') or '') or 0
    if granted > 0 then redis.call('HSET', key, 'lent', text(now + fullLeaseMs)) end
    if granted < first then
      waitMs = renewsMs
      if lentUntil > now then waitMs = math.min(LENT_WAIT_MS, renewsMs) end
      if first > limit then waitMs = -1 end
    end
    keepMs = keepMs + renewsMs + DAY_MS
  else
    local others = 0
    local held = redis.call('HGETALL', key)
    for field = 1, #held, 2 do
      local holder = string.match(held[field], '^by:(.*)$')
      if holder then
        local count, untilMs = string.match(held[field + 1], '^(%S+) (%S+)$')
        if tonumber(untilMs) <= now then redis.call('HDEL', key, held[field])
        elseif holder ~= session then others = others + tonumber(count) end
      end
    end
    local available = math.max(0, limit - others - holds)
    granted = grantOf(available, first, need, spare, isScarce)
    if holds + granted == 0 then redis.call('HDEL', key, 'by:' .. session)
    else redis.call('HSET', key, 'by:' .. session, text(holds + granted) .. ' ' .. text(now + leaseMs)) end
    left = available - granted
    lost = math.max(0, holds - math.max(0, limit - others))
    if granted < first then waitMs = first > limit and -1 or PLACE_WAIT_MS end
    keepMs = keepMs + leaseMs
  end
  if granted < need then
    scarceUntil = now + SCARCE_MS
    redis.call('HSET', key, 'scarce', text(scarceUntil))
  end
  redis.call('PEXPIRE', key, math.ceil(keepMs))
  local scarce = scarceUntil > now and '1' or '0'
  lines[index - 1] = table.concat(
    { text(granted), text(leaseMs), text(left), text(waitMs), text(epoch), text(renewsMs), text(lost), scarce }, ' ')
end
local answer = table.concat(lines, '\\n')
redis.call('HSET', KEYS[1], 'sequence', text(sequence), 'answer', answer, 'seen', text(now))
redis.call('PEXPIRE', KEYS[1], SESSION_MS)
return answer
`
