-- Put ended RQ jobs back on their queue, each only as it was seen, each once for a token.
-- RQ's own requeue takes the job out of the registry first and queues it in a second step, between which a death loses it
-- and a second requeue runs it twice; so its two steps (registry.requeue and queue._enqueue_job) are one here.
-- KEYS[1] registry, [2] queue, [3] all queues, [4] what this token has moved (hash: id → ms since 1970)
-- ARGV[1] job prefix, [2] results prefix, [3] queue's name, [4] now (ms), [5] life of KEYS[4] (ms), [6] now as RQ writes it,
--     then for each job: id, ended_at and last result as seen, retries, key of its rate limit or '', ttl or ''
local out, any = {}, false
local function last_result(id)
  local results = redis.call('XREVRANGE', ARGV[2] .. id, '+', '-', 'COUNT', 1)
  return results[1] and results[1][1] or ''
end
for i = 7, #ARGV, 6 do
  local id, ended, last, retries, limit, ttl = unpack(ARGV, i, i + 5)
  local key = ARGV[1] .. id
  local word = 'changed'
  if redis.call('HEXISTS', KEYS[4], id) == 1 then
    word = 'already'
  elseif redis.call('EXISTS', key) == 0 then
    word = 'gone'
  elseif redis.call('ZSCORE', KEYS[1], id)
    and (redis.call('HGET', key, 'ended_at') or '') == ended
    and last_result(id) == last then
    redis.call('ZREM', KEYS[1], id)
    redis.call('HSET', key, 'started_at', '', 'ended_at', '', 'exc_info', '', 'enqueued_at', ARGV[6], 'origin', ARGV[3])
    if retries ~= '' then redis.call('HSET', key, 'retries_left', retries) end
    -- An ended job's data is kept for a while only; one that waits must not be forgotten before its turn.
    if ttl ~= '' then redis.call('EXPIRE', key, ttl) else redis.call('PERSIST', key) end
    if limit ~= '' then
      redis.call('HSET', key, 'status', 'rate_limited')
      redis.call('ZADD', limit, math.floor(tonumber(ARGV[4]) / 1000), id)
    else
      redis.call('HSET', key, 'status', 'queued')
      redis.call('RPUSH', KEYS[2], id)
      redis.call('SADD', KEYS[3], KEYS[2])
    end
    redis.call('HSET', KEYS[4], id, ARGV[4])
    word, any = 'moved', true
  end
  out[#out + 1] = word
end
if any then redis.call('PEXPIRE', KEYS[4], ARGV[5]) end
return out
