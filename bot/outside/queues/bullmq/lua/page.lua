-- One page of a set ordered by when jobs ended. The place in it is (score, id) of the entry read last, not an offset:
-- jobs that leave the set between two pages (a replay is running) must not make the reader skip as many.
-- KEYS[1] failed/completed set
-- ARGV[1] key prefix, [2] since (ms) or '', [3] [4] score and id read last or '', [5] page size, [6] bytes kept of a text
-- Returns score and id of the page's last entry, then the entries.
local set, prefix, since = KEYS[1], ARGV[1], ARGV[2]
local lastScore, lastId = ARGV[3], ARGV[4]
local size, cap = tonumber(ARGV[5]), tonumber(ARGV[6])

-- Redis orders members of one score by their bytes; Lua's own comparison asks the server's locale.
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local offset = 0
if lastScore == '' then
  if since ~= '' then offset = redis.call('ZCOUNT', set, '-inf', '(' .. since) end
else
  local score = redis.call('ZSCORE', set, lastId)
  if score == lastScore then
    offset = redis.call('ZRANK', set, lastId) + 1
  else -- it has left the set meanwhile: find the first entry beyond the place where it stood
    offset = redis.call('ZCOUNT', set, '-inf', '(' .. lastScore)
    local high = redis.call('ZCOUNT', set, '-inf', lastScore)
    while offset < high do
      local middle = math.floor((offset + high) / 2)
      if before(lastId, redis.call('ZRANGE', set, middle, middle)[1]) then high = middle else offset = middle + 1 end
    end
  end
end

local members = redis.call('ZRANGE', set, offset, offset + size - 1, 'WITHSCORES')
local out = { members[#members] or '', members[#members - 1] or '' }
for i = 1, #members, 2 do entry(out, prefix, set, members[i], members[i + 1], cap) end
return out
