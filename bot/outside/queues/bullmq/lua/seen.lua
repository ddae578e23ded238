-- Jobs by their ids, as far as they are in the set.
-- KEYS[1] failed/completed set   ARGV[1] key prefix, [2] bytes kept of a text, [3…] ids
local out = {}
for i = 3, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score then entry(out, ARGV[1], KEYS[1], ARGV[i], score, tonumber(ARGV[2])) end
end
return out
