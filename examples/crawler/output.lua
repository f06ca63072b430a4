--- The results as text.
local output = {}

--- The text without control characters, which would spoil the line.
---@param text string
---@return string
function output.printable(text)
  return (text:gsub("%c", function(c) return ("\\x%02x"):format(c:byte()) end))
end

local function plural(count, word)
  return ("%d %s%s"):format(count, word, count == 1 and "" or "s")
end

local function write_page(page, write)
  write(("broken: %s (%s)\n"):format(output.printable(page.url), page.reason or "status " .. page.status))
  for _, url in ipairs(page.found_on) do
    write(("  found on %s\n"):format(output.printable(url)))
  end
  if page.found_count > #page.found_on then
    write(("  and on %d more\n"):format(page.found_count - #page.found_on))
  end
end

---@param results Results
---@param file file*
---@return boolean? ok
---@return string? reason
function output.write(results, file)
  local ok, reason = true, nil
  local function write(text)
    if ok then
      ok, reason = file:write(text)
    end
  end
  for _, page in ipairs(results:broken()) do
    write_page(page, write)
  end
  if results.left > 0 then
    write(("%s known and not looked at\n"):format(plural(results.left, "page")))
  end
  write(("%s, %s, %s\n"):format(plural(results.fetched, "page"), plural(results.bytes, "byte"),
    plural(results.broken_count, "broken link")))
  if ok then
    ok, reason = file:flush()
  end
  return ok, reason
end

return output
