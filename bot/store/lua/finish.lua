-- Strike out what was due, unless it fell due anew: its score is no longer the mark it was claimed with.
-- KEYS[1] what is due; ARGV[1] member, [2] mark
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 'nan') ~= tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
