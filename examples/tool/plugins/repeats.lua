-- Tells when the same line comes many times in a row.
local MANY = 3

return function(watch)
  local last, times = nil, 0
  for line in watch.lines do
    times = line == last and times + 1 or 1
    last = line
    if times == MANY then watch.alert(("%d times in a row: %s"):format(MANY, line)) end
  end
end
