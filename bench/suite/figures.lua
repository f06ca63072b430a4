-- The figures that tools/bench has measured: a file with a line for each, as the programs print them
-- with the peer and the repetition before it, and lines `about NAME TEXT` on the machine. They become
-- rows, one for each question, kind and size, with the values of every peer.
local figures = {}

---@class bench.row
---@field question string
---@field kind string
---@field size integer
---@field unit string
---@field key string  QUESTION.KIND
---@field values table<string, number[]>  by peer, the smallest first
---@field repetitions table<string, table<string, number>>  by peer and repetition

--- The fields of a line, or nil when it is no figure.
---@param line string
---@return table<string, string>?
function figures.fields(line)
  local fields = {}
  for name, value in line:gmatch("([%a_]+)=(%S+)") do
    fields[name] = value
  end
  local whole = fields.question and fields.kind and fields.unit
  return whole and math.tointeger(fields.size) and tonumber(fields.value) and fields or nil
end

local function add(rows, fields)
  local name = ("%s.%s.%s"):format(fields.question, fields.kind, fields.size)
  local row = rows[name]
  if not row then
    row = { question = fields.question, kind = fields.kind, size = math.tointeger(fields.size) }
    row.unit, row.key = fields.unit, fields.question .. "." .. fields.kind
    row.values, row.repetitions = {}, {}
    rows[name] = row
  end
  local peer = fields.peer or "dynsup"
  row.values[peer] = row.values[peer] or {}
  table.insert(row.values[peer], tonumber(fields.value))
  row.repetitions[peer] = row.repetitions[peer] or {}
  row.repetitions[peer][fields.repetition or ""] = tonumber(fields.value)
end

--- Rows by QUESTION.KIND.SIZE, and what is known of the machine, of lines as an iterator gives them.
---@param lines fun(): string?
---@return table<string, bench.row>, table<string, string>
function figures.read(lines)
  local rows, about = {}, {}
  for line in lines do
    local name, text = line:match("^about (%S+) (.*)$")
    local fields = figures.fields(line)
    if name then
      about[name] = text
    elseif fields then
      add(rows, fields)
    end
  end
  for _, row in pairs(rows) do
    for _, values in pairs(row.values) do
      table.sort(values)
    end
  end
  return rows, about
end

-- Of sorted values; nil without any.
local function middle(values)
  if #values == 0 then
    return nil
  end
  local half = (#values + 1) // 2
  return #values % 2 == 1 and values[half] or (values[half] + values[half + 1]) / 2
end

--- The median of a peer's values; nil without any.
---@param row bench.row
---@param peer string
---@return number?
function figures.median(row, peer)
  return middle(row.values[peer] or {})
end

--- Is more of this unit better?
---@param unit string
---@return boolean
function figures.is_rate(unit)
  return unit:find("/s$") ~= nil
end

--- How many times better the one value is than the other.
---@param unit string
---@param own number
---@param other number
---@return number
function figures.ratio(unit, own, other)
  if not figures.is_rate(unit) then
    own, other = other, own
  end
  return own / math.max(other, 1e-9)
end

--- How many times better dynsup is than a peer: the median of the ratios that the repetitions have, each
--- by itself, since a machine drifts from one to the next. Nil where they have none together.
---@param row bench.row
---@param peer string
---@return number?
function figures.beside(row, peer)
  local ratios, others = {}, row.repetitions[peer] or {}
  for repetition, own in pairs(row.repetitions.dynsup or {}) do
    local other = others[repetition]
    ratios[#ratios + 1] = other and figures.ratio(row.unit, own, other)
  end
  table.sort(ratios)
  return middle(ratios)
end

--- A number as precise as it is worth: three digits, in thousands or millions.
---@param value number
---@return string
function figures.short(value)
  for _, scale in ipairs({ { 1e6, " M" }, { 1e3, " k" } }) do
    if value >= scale[1] * 0.9995 then
      return ("%.3g%s"):format(value / scale[1], scale[2])
    end
  end
  return ("%.3g"):format(value)
end

return figures
