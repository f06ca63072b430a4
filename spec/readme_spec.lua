-- Holds README.md and the pages in docs/ against what is there: scripts, their output, links.

local program = require "spec.support.program"

local function read_file(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- The code blocks of a page in a language, in order.
local function blocks(path, language)
  local found = {}
  for text in read_file(path):gmatch("\n```" .. language .. "\n(.-)```") do
    found[#found + 1] = text
  end
  return found
end

-- Runs an example as it is called in the README: from the project's folder.
local function run_example(path)
  local pipe <close> = assert(io.popen "pwd")
  local root, folder = pipe:read "l", program.folder()
  local got = program.shell(folder, ('cd %s && "$DYNSUP" run %s'):format(program.quote(root), path))
  program.remove_folder(folder)
  return got
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do
    lines[line] = true
  end
  return lines
end

describe("README.md", function()
  it("shows the first script as it is", function()
    assert.equal(read_file "examples/hello.lua", blocks("README.md", "lua")[1])
  end)

  it("shows what the first script prints", function()
    local got = run_example "examples/hello.lua"
    assert.equal("", got.err)
    assert.equal(blocks("README.md", "text")[1], got.out)
    assert.equal(0, got.code)
  end)

  it("shows lines that the second script prints or reports", function()
    local got = run_example "examples/restart.lua"
    local printed = lines_of(got.out .. got.err)
    for line in blocks("README.md", "text")[2]:gmatch "[^\n]+" do
      if line ~= "..." and not line:match "^%$ " then
        assert.is_true(printed[line], line)
      end
    end
    assert.equal(0, got.code)
  end)

  it("names commands that are there", function()
    for _, block in ipairs(blocks("README.md", "sh")) do
      for path in block:gmatch "%w+/[%w/.]+" do
        assert.is_not_nil(io.open(path), path)
      end
    end
  end)
end)

describe("the links of", function()
  for _, page in ipairs { "README.md", "CHANGELOG.md", "docs/api.md", "docs/architecture.md", "docs/semantics.md",
    "docs/performance.md", "bench/README.md" } do
    it(page .. " lead to files", function()
      local folder = page:match "^(.*/)" or ""
      for target in read_file(page):gmatch "%]%(([^)#]+)[^)]*%)" do
        if not target:match "^https?:" then
          local file = io.open(folder .. target)
          assert.is_not_nil(file, target)
          file:close()
        end
      end
    end)
  end
end)
