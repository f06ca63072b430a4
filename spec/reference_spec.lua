-- Holds the public headers against the program, and their comments against what they declare: every
-- exported function is declared and described. And what the reference makes of a header.

local headers = require "cmake.reference.headers"
local reference = require "cmake.reference.reference"
local lines_from = require "spec.support.lines_from"

local PROGRAM = assert(os.getenv "DYNSUP_PROGRAM")

local function read_file(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local public = {}
for _, path in ipairs(lines_from "ls core/dynsup*.h bindings/dynsup*.h") do
  public[#public + 1] = headers.read(path, read_file(path))
end

describe("the public headers", function()
  it("declare what the program exports, and nothing else", function()
    local exported, declared = {}, {}
    for _, line in ipairs(lines_from(("nm -D --defined-only '%s'"):format(PROGRAM))) do
      local name = line:match " T (dynsup_[%w_]+)$" or line:match " T (luaopen_dynsup)$"
      exported[name or false] = name and true
    end
    for _, header in ipairs(public) do
      for _, f in ipairs(headers.functions(header)) do
        declared[f.name] = true
      end
    end
    assert.is_true(declared.dynsup_spawn and declared.luaopen_dynsup)
    assert.same(exported, declared)
  end)

  for _, header in ipairs(public) do
    it("describe every function: " .. header.name, function()
      for _, f in ipairs(headers.functions(header)) do
        assert.is_true(f.described, f.name)
      end
    end)

    it("say what they are for: " .. header.name, function()
      assert.not_equal("", header.text)
    end)
  end
end)

local SAMPLE = [[
/*
 * Sample: a header.
 *
 * More.
 */
#ifndef DYNSUP_SAMPLE_H
#define DYNSUP_SAMPLE_H

#include "dynsup.h"

DYNSUP_DECLARATIONS_BEGIN

int dynsup_bare(void);

/* ---- things ---- */

/* A thing; *size_out is <0..9>. Its wings are many
 * (see the other one). */
typedef struct dynsup_thing {
    int (*call)(int x); /* may be called (twice,
                         * or more often) */

    int wings;
} dynsup_thing;

/* Opens. close: the opposite. */
int dynsup_thing_open(dynsup_thing *thing,
                      int how);
void dynsup_thing_close(dynsup_thing *thing);
enum dynsup_sort dynsup_thing_sort(void);

DYNSUP_DECLARATIONS_END

#endif
]]

describe("a header", function()
  local header = headers.read("sample.h", SAMPLE)

  it("has a text, sections and blocks", function()
    assert.equal("Sample: a header.\n\nMore.", header.text)
    assert.equal("things", header.sections[2].title)
    assert.equal("dynsup_thing", header.sections[2].items[1].types[1])
    assert.equal(2, #header.sections[2].items)
  end)

  it("describes a function by the comment of its block, which names the later ones", function()
    local described = {}
    for _, f in ipairs(headers.functions(header)) do
      described[f.name] = f.described
    end
    assert.same({ dynsup_bare = false, dynsup_thing_open = true, dynsup_thing_close = true,
      dynsup_thing_sort = false }, described)
  end)

  it("becomes a page with its comments and declarations", function()
    local page = reference.page(header)
    assert.matches("\n## things\n\n### dynsup_thing\n", page)
    assert.is_truthy(page:find("A thing; `*size_out` is &lt;0..9>. Its wings are many\n(see", 1, true))
    assert.is_truthy(page:find("```c\nint dynsup_thing_open(dynsup_thing *thing,\n", 1, true))
    assert.is_nil(page:find "DECLARATIONS")
  end)

  it("is in the list of all functions", function()
    local index = reference.index { header }
    assert.is_truthy(index:find("[dynsup_thing_open](sample.md#", 1, true))
    assert.is_truthy(index:find("## [sample.h](sample.md)\n\nSample: a header.\n", 1, true))
  end)
end)
