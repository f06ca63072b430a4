-- Holds README.md and the pages in docs/ against what is there: scripts, their output, links.

local program = require "spec.support.program"
local lines_from = require "spec.support.lines_from"

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

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

-- Without "folder/..".
local function plain(path)
  local shorter, count = path:gsub("[^/]+/%.%./", "", 1)
  return count == 0 and path or plain(shorter)
end

-- Calls f with each file that a page has a link to, from the project's folder.
local function each_link(page, f)
  local folder = page:match "^(.*/)" or ""
  for target in read_file(page):gmatch "%]%(([^)#]+)[^)]*%)" do
    if not target:match "^https?:" then
      f(plain(folder .. target))
    end
  end
end

describe("the links of", function()
  for _, page in ipairs(lines_from "ls *.md docs/*.md docs/*/*.md examples/*/*.md bench/*.md fuzz/*.md") do
    it(page .. " lead to files", function()
      each_link(page, function(path) assert.is_true(exists(path), path) end)
    end)
  end
end)

describe("the pages that are installed", function()
  -- As cmake/install.cmake has it: these files, and these folders with all but manual pages.
  local install = read_file "cmake/install.cmake"
  local files = assert(install:match "install%(FILES ([^\n]+)\n    DESTINATION ${CMAKE_INSTALL_DOCDIR}")
  local folders = assert(install:match "install%(DIRECTORY ([^\n$]+)\n    DESTINATION ${CMAKE_INSTALL_DOCDIR}")

  local function is_installed(path)
    for name in files:gmatch "%S+" do
      if path == name then return true end
    end
    for folder in folders:gmatch "%S+" do
      if path:find(folder .. "/", 1, true) == 1 then return not path:find "%.[1-9]$" end
    end
    return false
  end

  it("link to nothing that is not", function()
    local count = 0
    for _, page in ipairs(lines_from "ls *.md docs/*.md docs/*/*.md examples/*/*.md") do
      if is_installed(page) then
        each_link(page, function(path)
          count = count + 1
          assert.is_true(is_installed(path), ("%s: %s"):format(page, path))
        end)
      end
    end
    assert(count > 60)
  end)
end)
