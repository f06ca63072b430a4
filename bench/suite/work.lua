-- Plain code that knows nothing of workers: what bench/compute.lua runs in one, and its peer in none.
local work = { sizes = { fib = 25, loop = 100000 }, counts = { fib = 60, loop = 200 } }

---@param n integer
---@return integer
function work.fib(n)
  return n < 2 and n or work.fib(n - 1) + work.fib(n - 2)
end

---@param n integer
---@return number
function work.loop(n)
  local values, sum = {}, 0
  for i = 1, n do
    values[i] = i % 7
  end
  for i = 1, n do
    sum = sum + values[i] * 0.5
  end
  return sum
end

return work
