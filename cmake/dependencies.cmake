# Finds the libraries; the Debian packages that bring them are listed in tools/dependencies.txt.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(uv REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(lua REQUIRED IMPORTED_TARGET lua5.4)
if(DYNSUP_TESTS)
    pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
endif()

# The bindings see Lua's headers without linking liblua.
add_library(dynsup_lua_headers INTERFACE)
target_include_directories(dynsup_lua_headers SYSTEM INTERFACE ${lua_INCLUDE_DIRS})

# luv, by itself: its pkg-config module would bring liblua along.
pkg_check_modules(luv_pc REQUIRED lua5.4-luv)
find_library(luv_library NAMES lua5.4-luv HINTS ${luv_pc_LIBRARY_DIRS} REQUIRED)
add_library(dynsup_luv INTERFACE)
target_link_libraries(dynsup_luv INTERFACE ${luv_library})
