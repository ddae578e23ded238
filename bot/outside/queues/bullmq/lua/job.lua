-- One job. Texts longer than the cap come cut: the data as its length alone, the stack traces as their end.
-- KEYS[1] job key   ARGV[1] cap in bytes
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local cap = tonumber(ARGV[1])
local out = redis.call('HMGET', KEYS[1], 'name', 'timestamp', 'processedOn', 'finishedOn', 'atm', 'attemptsMade')
local n = 6
local length = redis.call('HSTRLEN', KEYS[1], 'data')
out[n + 1] = tostring(length)
out[n + 2] = length <= cap and redis.call('HGET', KEYS[1], 'data') or ''
out[n + 3] = string.sub(redis.call('HGET', KEYS[1], 'failedReason') or '', 1, cap)
out[n + 4] = string.sub(redis.call('HGET', KEYS[1], 'stacktrace') or '', -cap)
out[n + 5] = string.sub(redis.call('HGET', KEYS[1], 'opts') or '', 1, cap)
return out
