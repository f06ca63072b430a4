-- dynsup.codec: types that travel by a name, with a __pack of their own or as what it gives.

local dynsup = require "dynsup"
local codec = require "dynsup.codec"
local way = require "spec.support.travel"

local travel, refused, UNKNOWN = way.arrive, way.refused, way.UNKNOWN

describe("a type travels", function()
  local Point = { __name = "Point", __pack = "spec.point" }
  Point.__index = Point
  function Point:sum() return self.x + self.y end

  local function point(x, y)
    return setmetatable({ x = x, y = y }, Point)
  end

  before_each(function()
    codec.register("spec.point", Point)
  end)

  it("by a name for which a metatable is registered", function()
    local p = point(1, 2)
    local a, b = travel(p, { p, point(3, 4) })
    assert.equal(3, a:sum())
    assert.equal(a, b[1])
    assert.equal(7, b[2]:sum())
    assert.not_equal(p, a)
  end)

  it("with parts that refer to it", function()
    local p = point(1, 2)
    p.list = { p, { owner = p } }
    local arrived = travel(p)
    assert.equal(Point, getmetatable(arrived))
    assert.equal(arrived, arrived.list[1])
    assert.equal(arrived, arrived.list[2].owner)
  end)

  it("by a name for which a function is registered, which makes the value", function()
    codec.register("spec.point", function(fields) return fields.x * 100 + fields.y end)
    local p = point(1, 2)
    assert.same({ 102, 102, { 304 } }, (travel { p, p, { point(3, 4) } }))
  end)

  it("by a function __pack, which gives a name and what travels instead", function()
    local calls = 0
    local Box = { __pack = function(box)
      calls = calls + 1
      return "spec.box", { box.content, point(5, 6) }
    end }
    codec.register("spec.box", function(parts)
      return { opened = parts[1], sum = parts[2]:sum() }
    end)
    local box = setmetatable({ content = { "x" } }, Box)
    local a, b = travel({ box, [box] = 1 }, box)
    assert.equal(1, calls)
    assert.same({ opened = { "x" }, sum = 11 }, b)
    assert.equal(a[1], b)
    assert.equal(1, a[b])
  end)

  it("by a table that __pack gives to several, or that travels beside them", function()
    local data = { x = 1 }
    local P = { __pack = function() return "spec.p", data end }
    codec.register("spec.p", P)
    local function new() return setmetatable({}, P) end
    for _, values in ipairs { { data, new() }, { new(), data }, { new(), new() } } do
      local a, b = travel(values[1], values[2])
      assert.same({ { x = 1 }, { x = 1 } }, { a, b })
      assert.not_equal(a, b)
      assert.equal(getmetatable(values[1]), getmetatable(a))
      assert.equal(getmetatable(values[2]), getmetatable(b))
    end
    data.self = data
    local a = travel(new())
    assert.equal(a, a.self)
    local plain, b, c, again = travel(data, new(), { new(), data }, data)
    assert.equal(again, plain)
    assert.equal(again, c[2])
    for _, one in ipairs { plain, b, c[1] } do assert.equal(one, one.self) end
    assert.is_nil(getmetatable(plain))
    assert.equal(P, getmetatable(b))
    assert.is_false(plain == b or b == c[1] or plain == c[1])
  end)

  it("with the ways back in what its __pack gave", function()
    local Graph = { __pack = function(graph) return "spec.graph", graph.data end }
    codec.register("spec.graph", function(data) return setmetatable({ data = data }, Graph) end)
    local root = { name = "root", list = {} }
    root.me, root.list[1], root[root] = root, { parent = root }, "key"
    local graph = setmetatable({ data = root }, Graph)
    local once, twice = codec.pack(graph), codec.pack(graph, graph)
    assert.is_true(#twice < #once + 8)
    for _, values in ipairs { { graph }, { graph, root }, { root, graph }, { { root, graph }, { graph, root } } } do
      for _, arrived in ipairs { travel(table.unpack(values)) } do
        for _, one in ipairs(#arrived > 0 and arrived or { arrived }) do
          local data = one.data or one
          assert.equal("root", data.name)
          assert.equal(data, data.me)
          assert.equal("key", data[data])
        end
      end
    end
    local data = (travel(graph)).data
    assert.equal(data, data.list[1].parent)
  end)

  it("with ways back in many of them, side by side and in one another", function()
    local Node = { __pack = function(node) return "spec.node", node.data end }
    codec.register("spec.node", function(data) return setmetatable({ data = data }, Node) end)
    local function node(inner)
      local data = { inner = inner }
      data.me = data
      return setmetatable({ data = data }, Node)
    end
    local nodes, plain = {}, {}
    for i = 1, 200 do
      nodes[i] = node(node(i))
      plain[i] = nodes[i].data
    end
    for _, values in ipairs { { nodes, plain, nodes }, { plain, nodes, plain } } do
      local a, b, c = travel(table.unpack(values))
      for i = 1, 200 do
        assert.equal(a[i], c[i])
        local outer, other = a[i].data or a[i], b[i].data or b[i]
        assert.is_true(outer.me == outer and other.me == other and outer ~= other)
        assert.equal(outer.inner, other.inner)
        assert.equal(i, outer.inner.data.inner)
        assert.equal(outer.inner.data, outer.inner.data.me)
      end
    end
  end)

  it("as the nil that a function makes of it, wherever it is referred to", function()
    codec.register("spec.nothing", function() return nil end)
    local nothing = setmetatable({}, { __pack = function() return "spec.nothing", 1 end })
    assert.same({ {}, {}, 2 }, { travel({ nothing }, { nothing }, 2) })
  end)

  it("as a plain table, when __pack is true", function()
    local arrived = travel(setmetatable({ 1, 2 }, { __pack = true, __tostring = function() return "" end }))
    assert.same({ 1, 2 }, arrived)
    assert.is_nil(getmetatable(arrived))
  end)

  it("with a value that is no table", function()
    local Box = { __pack = function(box) return "spec.box", box[1] end }
    codec.register("spec.box", function(value) return { value } end)
    local function box(value) return setmetatable({ value }, Box) end
    assert.same({ { 1 }, { "x" }, {}, { ("y"):rep(200) } },
      (travel { box(1), box "x", box(nil), box(("y"):rep(200)) }))
  end)

  it("but no value whose __pack gives what cannot travel", function()
    local function with(pack) return setmetatable({}, { __name = "T", __pack = pack }) end
    assert.matches("its metatable has no __pack that says how", refused(with(false)))
    assert.matches("its metatable has no __pack that says how", refused(with(7)))
    assert.matches("a function at %[1%]%[1%]%.f cannot travel",
      refused { with(function() return "spec.t", { f = print } end) })
    assert.has_error(function() codec.pack(with(function() end)) end,
      "a __pack must return a name and a value, and its first result is a nil")
    assert.has_error(function() codec.pack(with(function() error("no", 0) end)) end, "no")
    assert.matches("it has a __pack, and was given by a __pack: put it into a table",
      refused(with(function() return "spec.t", point(1, 2) end)))
    local function again() return "spec.t", with(again) end
    assert.has_error(function() codec.pack(with(again)) end,
      "a __pack gave a value that has a __pack itself: put it into a table")
    local t
    t = with(function() return "spec.t", { t } end)
    assert.equal("a table with a metatable (T) at [1][1] cannot travel: what its __pack gave refers to it", refused(t))
  end)

  it("but not what a __pack has put into the message", function()
    local list = {}
    local function pack() list[2] = setmetatable({}, { __pack = pack }) return "spec.t", 1 end
    list[1] = setmetatable({}, { __pack = pack })
    assert.matches("at %[1%]%[2%] cannot travel: it came in while __pack functions were called", refused(list))
  end)

  it("not where its name is not registered, or what is registered fails", function()
    local bytes = codec.pack { point(1, 2) }
    codec.register("spec.point", nil)
    assert.same({ nil, "cannot_unpack", UNKNOWN:format "spec.point" }, { codec.unpack(bytes) })
    codec.register("spec.point", function() error("not today", 0) end)
    assert.same({ nil, "cannot_unpack", "the function of a type failed: not today" }, { codec.unpack(bytes) })
    codec.register("spec.point", function() error {} end)
    assert.same({ nil, "cannot_unpack", "the function of a type failed: table" }, { codec.unpack(bytes) })
  end)

  it("when it is an error with its traceback", function()
    local reason
    assert(dynsup.run({ clock = "virtual", log_level = "off" }, function()
      dynsup.spawn_monitor(function() error { code = 7 } end)
      reason = select(4, dynsup.receive())
    end))
    local arrived = travel(reason)
    assert.same({ code = 7 }, arrived.error)
    assert.equal(reason.traceback, arrived.traceback)
    assert.equal(getmetatable(reason), getmetatable(arrived))
  end)

  it("by a name that is no mistake", function()
    assert.has_error(function() codec.register("", Point) end)
    assert.has_error(function() codec.register("dynsup.crash", Point) end)
    assert.has_error(function() codec.register("x", 1) end)
    assert.has_error(function() codec.register("x") end)
  end)
end)
