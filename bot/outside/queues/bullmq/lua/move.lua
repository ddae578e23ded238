-- Put many ended jobs back on their queue, each only as it was seen, each once for a token.
-- `reprocess(KEYS, ARGV)` stands above: BullMQ's own script for one job, from the installed package; so does `rcall`.
-- KEYS[1] failed/completed set, [2] events, [3] wait, [4] meta, [5] active, [6] marker, [7] prioritized,
--     [8] priority counter, [9] what this token has moved (hash: id → ms since 1970)
-- ARGV[1] key prefix, [2] failed/completed, [3] failedReason/returnvalue, [4] now (ms), [5] life of KEYS[9] (ms),
--     [6] ids and finishedOn as seen, in turns, as one JSON list: a thousand arguments take longer to send than to do
-- Returns one word for each job, or for those before one that cannot be moved at all; or PAUSED and the version where
-- moving would lose jobs.
local set, meta, moved = KEYS[1], KEYS[4], KEYS[9]
local prefix, state, field, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- BullMQ 5 keeps the jobs of a paused queue in another list, and renames that over `wait` when it resumes.
local attributes = rcall('HMGET', meta, 'paused', 'version')
if attributes[1] then
  local major = tonumber(string.match(attributes[2] or '', '^bullmq:(%d+)'))
  if not major or major < 6 then return { 'PAUSED', attributes[2] or '' } end
end

local ids, ends, given = {}, {}, cjson.decode(ARGV[6])
for i = 1, #given, 2 do ids[#ids + 1], ends[#ends + 1] = given[i], given[i + 1] end
local already = rcall('HMGET', moved, unpack(ids))

local function pushes(opts)
  if opts and string.find(opts, '"lifo"', 1, true) then
    local readable, options = pcall(cjson.decode, opts)
    if readable and type(options) == 'table' and options.lifo == true then return 'RPUSH' end
  end
  return 'LPUSH'
end

queue.meta, queue.marker, queue.wait = meta, KEYS[6], KEYS[3]

-- Both counters start anew: a worker's maxStartedAttempts would end the job before it began.
local keys = { '', KEYS[2], set, KEYS[3], meta, KEYS[5], KEYS[6], KEYS[7], KEYS[8] }
local args = { '', '', field, state, '1', '1' }
local function move(id, seen)
  local key = prefix .. id
  local f = rcall('HMGET', key, 'finishedOn', 'opts', 'priority', 'parentKey')
  local finished = f[1] or rcall('ZSCORE', set, id)
  if not f[1] and rcall('EXISTS', key) == 0 then return 'gone' end
  if not finished or tonumber(finished) ~= seen then return 'changed' end
  keys[1], args[1], args[2] = key, id, pushes(f[2])
  job.key, job.priority, job.parentKey = key, f[3], f[4]
  local result = reprocess(keys, args)
  job.key = nil
  return result == 1 and 'moved' or result == -1 and 'gone' or 'changed'
end

local out, record, broken = {}, {}, nil
for i, id in ipairs(ids) do
  local done, word = true, 'already'
  if not already[i] then done, word = pcall(move, id, ends[i]) end
  if not done then
    broken = word
    break
  end
  if word == 'moved' then record[#record + 1], record[#record + 2] = id, now end
  out[i] = word
end
if queue.gathered and #queue.gathered > 0 then redis.call('LPUSH', KEYS[3], unpack(queue.gathered)) end
if #record > 0 then
  rcall('HSET', moved, unpack(record))
  rcall('PEXPIRE', moved, ARGV[5])
end
if broken and #out == 0 then
  local text = type(broken) == 'table' and broken.err or tostring(broken)
  return redis.error_reply((string.gsub(text, '^@?user_script:%s?%d+:%s*', '')))
end
return out
