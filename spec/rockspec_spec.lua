-- Holds the rockspec against the project: its version, and the options of the build that it sets.

local dynsup = require "dynsup"

local function read_file(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

describe("the rockspec", function()
  local path = ("dynsup-%s-1.rockspec"):format(dynsup.version)
  local rockspec = {}
  assert(loadfile(path, "t", rockspec))()

  it("has the project's version", function()
    assert.equal(dynsup.version .. "-1", rockspec.version)
    assert.equal(("file://dynsup-%s.tar.gz"):format(dynsup.version), rockspec.source.url)
    assert.equal("dynsup-" .. dynsup.version, rockspec.source.dir)
  end)

  it("sets options that there are", function()
    local options = read_file "cmake/options.cmake" .. read_file "cmake/install.cmake"
    for name in pairs(rockspec.build.variables) do
      if name:find "^DYNSUP_" then
        assert.is_truthy(options:find("[( ]" .. name .. " "), name)
      end
    end
  end)

  it("says in a line what the package says", function()
    assert.is_truthy(read_file "cmake/package.cmake":find('"' .. rockspec.description.summary .. '"', 1, true))
  end)
end)
