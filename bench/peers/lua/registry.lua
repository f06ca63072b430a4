-- Keys in a table of Lua.
local bench = dofile(arg[0]:gsub("peers/.*$", "") .. "suite/harness.lua")

for _, size in ipairs(bench.sizes({ 100000 }, { 10 })) do
  local keys, found = {}, {}
  for i = 1, size do
    keys[i] = "key " .. i
  end
  local begun = bench.now()
  for i = 1, size do
    found[keys[i]] = i
  end
  bench.rate("register", size, size, bench.now() - begun, "registrations")
  local count, at = bench.count(1000000, 100), 0
  begun = bench.now()
  for _ = 1, count do
    at = (at + 7919) % size
    assert(found[keys[at + 1]])
  end
  bench.rate("lookup", size, count, bench.now() - begun, "lookups")
end
