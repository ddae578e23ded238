-- In place of recall.lua for a text of BullMQ's script that it was not written for.
local job, queue = {}, {}
local rcall = redis.call
