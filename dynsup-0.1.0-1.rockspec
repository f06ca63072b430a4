-- For LuaRocks: `luarocks make` in the project's folder. What it needs is in docs/installing.md;
-- tools/check-rock tries it.
rockspec_format = "3.0"
package = "dynsup"
version = "0.1.0-1"
source = {
   url = "file://dynsup-0.1.0.tar.gz", -- the sources, beside this file
   dir = "dynsup-0.1.0",
}
description = {
   summary = "processes under supervisors for Lua 5.4 and C",
   detailed = [[
      Many small Lua workers run under supervisors: what Elixir's DynamicSupervisor is, for Lua 5.4. It
      has the module dynsup, and a program that runs scripts.
   ]],
   license = "MIT",
}
supported_platforms = { "linux" }
dependencies = { "lua ~> 5.4" }
external_dependencies = {
   LIBUV = { header = "uv.h" },
   CRYPTO = { header = "openssl/evp.h" },
   EDIT = { header = "histedit.h" },
}
build = {
   type = "cmake",
   variables = {
      CMAKE_BUILD_TYPE = "Release",
      CMAKE_INSTALL_PREFIX = "$(PREFIX)",
      CMAKE_INSTALL_DOCDIR = "$(PREFIX)/doc",
      DYNSUP_LUA_MODULE_DIR = "$(LIBDIR)",
      DYNSUP_LIBRARIES = "OFF",
      DYNSUP_TESTS = "OFF",
   },
}
