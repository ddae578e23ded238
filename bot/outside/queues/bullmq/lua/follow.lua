-- Where each job is, and when and why it ended if it did.
-- KEYS[1] failed, [2] completed, [3] delayed, [4] active   ARGV[1] key prefix, [2] bytes kept of a reason, [3…] ids
-- Returns state, finishedOn (of a delayed job: when its turn comes) and reason for each id.
local out = {}
for i = 3, #ARGV do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  local state, finished, reason = 'waiting', '0', ''
  -- failedReason alone tells nothing: it stays from an earlier attempt of a job that completed at last.
  local f = redis.call('HMGET', key, 'finishedOn', 'processedOn')
  if f[1] and redis.call('ZSCORE', KEYS[1], id) then
    state, finished = 'failed', f[1]
    reason = string.sub(redis.call('HGET', key, 'failedReason') or '', 1, tonumber(ARGV[2]))
  elseif f[1] then
    state, finished = 'completed', f[1]
  elseif redis.call('EXISTS', key) == 0 then
    state = 'gone'
  elseif redis.call('ZSCORE', KEYS[3], id) then
    state = 'delayed'
    -- BullMQ's score: the time, and in its last twelve bits what tells jobs of one millisecond apart.
    finished = string.format('%.0f', math.floor(redis.call('ZSCORE', KEYS[3], id) / 4096))
  elseif f[2] and (redis.call('EXISTS', key .. ':lock') == 1 or redis.call('LPOS', KEYS[4], id)) then
    -- Without its lock it may still be in the active list, whose length is what the workers run at once:
    -- its worker died, and the stalled check has not been yet.
    state = 'active'
  end
  local n = #out
  out[n + 1], out[n + 2], out[n + 3] = state, finished, reason
end
return out
