-- dynsup.sorting: a sort whose comparison may be preempted.
local dynsup = require "dynsup"
local host = require "spec.support.host"

describe("sorting", function()
  local sorting = require "dynsup.sorting"

  it("sorts lists of any length, and keeps the order of what is equal", function()
    for count = 0, 40 do
      local list, expected = {}, {}
      for i = 1, count do
        list[i] = { key = i * 7 % 5, place = i }
        expected[i] = list[i]
      end
      table.sort(expected, function(a, b)
        return a.key < b.key or a.key == b.key and a.place < b.place
      end)
      local sorted = sorting.sort(list, function(a, b) return a.key < b.key end)
      assert.equal(count, #sorted)
      for i = 1, count do assert.equal(expected[i], sorted[i]) end
    end
  end)

  it("lets others have their turn within the comparison", host.main(function()
    local sorted = sorting.sort({ 3, 1, 2 }, function(a, b)
      dynsup.yield()
      return a < b
    end)
    assert.same({ 1, 2, 3 }, sorted)
  end))
end)
