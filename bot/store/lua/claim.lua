-- Claim what is due, the earliest first, as much of each lane as there is room for.
-- KEYS[1] what is due; ARGV[1] now, [2] mark, [3] kind → lane (JSON), [4] lane → how many of it (JSON)
local lanes, room, claimed = cjson.decode(ARGV[3]), cjson.decode(ARGV[4]), {}

local function lane_of(name)
  return lanes[string.match(name, '^[^:]*')] or 'steps'
end

for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 20000)) do
  local lane = lane_of(name)
  if room[lane] > 0 then
    room[lane] = room[lane] - 1
    redis.call('ZADD', KEYS[1], 'XX', ARGV[2], name)
    claimed[#claimed + 1] = name
  end
end
return claimed
