-- One ended job as five strings: id, name, reason, finishedOn, and its options where they speak of removal.
-- Cut here, in Redis: a reason of a megabyte must not cross the wire a thousand times a page.
local function entry(out, prefix, set, id, score, cap)
  local f = redis.call('HMGET', prefix .. id, 'name', 'failedReason', 'finishedOn', 'opts')
  local opts = f[4] or ''
  if not string.find(opts, 'removeOnComplete', 1, true) then opts = '' end
  local n = #out
  out[n + 1] = id
  out[n + 2] = f[1] and string.sub(f[1], 1, cap)
  out[n + 3] = string.sub(f[2] or '', 1, cap)
  out[n + 4] = f[3] or score or redis.call('ZSCORE', set, id) or '0'
  out[n + 5] = string.sub(opts, 1, 65536)
end
