-- When the jobs of a registry ended. RQ scores it by when a job may be forgotten, which tells nothing of the order.
-- KEYS[1] registry   ARGV[1] job prefix, [2] results prefix, [3] [4] first and last rank
-- Returns id, ended_at, id of the last result (where ended_at is missing) for each.
local out = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[3], ARGV[4])) do
  local ended = redis.call('HGET', ARGV[1] .. id, 'ended_at') or ''
  local last = ''
  if ended == '' then
    local results = redis.call('XREVRANGE', ARGV[2] .. id, '+', '-', 'COUNT', 1)
    if results[1] then last = results[1][1] end
  end
  local n = #out
  out[n + 1], out[n + 2], out[n + 3] = id, ended, last
end
return out
