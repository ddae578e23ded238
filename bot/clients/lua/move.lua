-- Put many ended jobs back on their queue, each only as it was seen, each once for a token.
-- `reprocess(KEYS, ARGV)` stands above: BullMQ's own script for one job, from the installed package.
-- KEYS[1] failed/completed set, [2] events, [3] wait, [4] meta, [5] active, [6] marker, [7] prioritized,
--     [8] priority counter, [9] what this token has moved (hash: id → ms since 1970)
-- ARGV[1] key prefix, [2] failed/completed, [3] failedReason/returnvalue, [4] now (ms), [5] life of KEYS[9] (ms),
--     [6] [7] id and finishedOn as seen, [8] [9] …
-- Returns one word for each job; or PAUSED and the version where moving would lose jobs.
local set, meta, moved = KEYS[1], KEYS[4], KEYS[9]
local prefix, state, field, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- BullMQ 5 keeps the jobs of a paused queue in another list, and renames that over `wait` when it resumes.
local attributes = redis.call('HMGET', meta, 'paused', 'version')
if attributes[1] then
  local major = tonumber(string.match(attributes[2] or '', '^bullmq:(%d+)'))
  if not major or major < 6 then return { 'PAUSED', attributes[2] or '' } end
end

local out, any = {}, false
for i = 6, #ARGV, 2 do
  local id, seen = ARGV[i], tonumber(ARGV[i + 1])
  local key = prefix .. id
  local word = 'changed'
  if redis.call('HEXISTS', moved, id) == 1 then
    word = 'already'
  else
    local score = redis.call('ZSCORE', set, id)
    local f = redis.call('HMGET', key, 'finishedOn', 'opts')
    if redis.call('EXISTS', key) == 0 then
      word = 'gone'
    elseif score and tonumber(f[1] or score) == seen then
      local push = 'LPUSH'
      local opts = f[2] or ''
      if string.find(opts, '"lifo"', 1, true) then
        local readable, options = pcall(cjson.decode, opts)
        if readable and type(options) == 'table' and options.lifo == true then push = 'RPUSH' end
      end
      local result = reprocess(
        { key, KEYS[2], set, KEYS[3], meta, KEYS[5], KEYS[6], KEYS[7], KEYS[8] },
        -- Both counters start anew: a worker's maxStartedAttempts would end the job before it began.
        { id, push, field, state, '1', '1' })
      if result == 1 then
        redis.call('HSET', moved, id, now)
        word, any = 'moved', true
      elseif result == -1 then
        word = 'gone'
      end
    end
  end
  out[#out + 1] = word
end
if any then redis.call('PEXPIRE', moved, ARGV[5]) end
return out
