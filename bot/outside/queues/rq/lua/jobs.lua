-- RQ jobs by their ids, with what is too long left out (its length stands in its place).
-- KEYS[1] registry   ARGV[1] job prefix, [2] results prefix, [3] bytes kept of a traceback, [4] of the arguments, [5…] ids
-- Returns for each id a list: in the registry ("1"), last result, its traceback, then FIELDS.
local FIELDS = { 'status', 'ended_at', 'exc_info', 'data', 'description', 'created_at', 'enqueued_at', 'started_at',
  'result_ttl', 'failure_ttl', 'retries_left', 'retry_intervals', 'rate_limit_key', 'rate_limit_concurrency', 'ttl' }

local function capped(text, cap)
  if not text then return '' end
  return #text <= cap and text or '#' .. #text
end

local out = {}
for i = 5, #ARGV do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  if redis.call('EXISTS', key) == 0 then
    out[#out + 1] = {}
  else
    local last, traceback = '', ''
    local results = redis.call('XREVRANGE', ARGV[2] .. id, '+', '-', 'COUNT', 1)
    if results[1] then
      last = results[1][1]
      for at = 1, #results[1][2], 2 do
        if results[1][2][at] == 'exc_string' then traceback = capped(results[1][2][at + 1], tonumber(ARGV[3])) end
      end
    end
    local job = { redis.call('ZSCORE', KEYS[1], id) and '1' or '0', last, traceback }
    local values = redis.call('HMGET', key, unpack(FIELDS))
    for at = 1, #FIELDS do
      local cap = FIELDS[at] == 'exc_info' and ARGV[3] or FIELDS[at] == 'data' and ARGV[4] or '100000'
      job[#job + 1] = capped(values[at], tonumber(cap))
    end
    out[#out + 1] = job
  end
end
return out
