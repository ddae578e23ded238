-- Make what was claimed with this mark due at another time, unless it fell due anew.
-- KEYS[1] what is due; ARGV[1] member, [2] mark, [3] when
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 'nan') ~= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
