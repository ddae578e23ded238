-- What a queue of BullMQ 5 (or of an unknown version) needs before the installed package's own pause, which follows:
-- its jobs wait in the `paused` list while it is paused, and its resume renames that list over `wait`.
-- A resume of BullMQ 6 merges the two, so this loses nothing there either.
-- KEYS[1] wait, [2] paused
if redis.call('EXISTS', KEYS[1]) == 1 then
  if redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('RENAME', KEYS[1], KEYS[2])
  else -- the older ones, at the tail of `paused`, stay first to be taken
    while redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT') do end
  end
end
