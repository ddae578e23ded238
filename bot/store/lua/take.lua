-- Remember a call and that it is due; 0 when it was taken before.
-- KEYS[1] the call's record, [2] what is due; ARGV[1] body, [2] seconds it is kept, [3] when it is due, [4] member
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'v', 1, 'b', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
return 1
