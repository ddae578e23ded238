-- Claim what is due, the earliest first, as much of it as there is room for.
-- KEYS[1] what is due; ARGV[1] now, [2] mark, [3] how many calls, [4] how many others
local claimed, calls, others, duties = {}, tonumber(ARGV[3]), tonumber(ARGV[4]), 500
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 20000)) do
  local mine = false
  local kind = string.sub(member, 1, 5)
  if kind == 'duty:' then
    mine, duties = duties > 0, duties - 1
  elseif kind == 'call:' and string.sub(member, 1, 9) ~= 'call:duty' then
    mine, calls = calls > 0, calls - 1
  else
    mine, others = others > 0, others - 1
  end
  if mine then
    redis.call('ZADD', KEYS[1], 'XX', ARGV[2], member)
    claimed[#claimed + 1] = member
  end
end
return claimed
