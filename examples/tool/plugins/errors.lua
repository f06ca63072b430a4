-- Tells each line with an error, and at the end how many there were.
return function(watch)
  local count = 0
  for line, number in watch.lines do
    if line:find "ERROR" then
      count = count + 1
      watch.alert(("line %d: %s"):format(number, line))
    end
  end
  watch.alert(count .. " errors")
end
