--- The table of plug-ins that --status prints at the end.
local status = {}

local FORMAT = "%-16s %-9s %7s %7s %9s  %s"

local function row(entry)
  local text = FORMAT:format(entry.name, entry.state, entry.lines, entry.alerts, entry.failures, entry.reason or "")
  return text:match "^(.-)%s*$"
end

---@param entries table<string, Entry>
---@return string
function status.text(entries)
  local names, rows = {}, {}
  for name in pairs(entries) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    rows[i] = row(entries[name])
  end
  table.insert(rows, 1, FORMAT:format("plug-in", "state", "lines", "alerts", "failures", "the last failure"))
  return table.concat(rows, "\n")
end

return status
