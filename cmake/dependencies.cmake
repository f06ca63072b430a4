# Finds the libraries; the Debian packages that bring them are listed in tools/dependencies.txt.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(uv REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(lua REQUIRED IMPORTED_TARGET lua5.4)
pkg_check_modules(crypto REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(edit REQUIRED IMPORTED_TARGET libedit)
if(DYNSUP_TESTS)
    pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
endif()

# The bindings see Lua's headers without linking liblua.
add_library(dynsup_lua_headers INTERFACE)
target_include_directories(dynsup_lua_headers SYSTEM INTERFACE ${lua_INCLUDE_DIRS})

# Lua inside the program, as the stock interpreter has it: no call goes through a table of a shared
# library. Modules written in C find all of Lua's functions in the program.
find_library(lua_archive NAMES liblua5.4.a HINTS ${lua_LIBRARY_DIRS})
add_library(dynsup_lua_program INTERFACE)
if(lua_archive)
    target_link_libraries(dynsup_lua_program INTERFACE dynsup_lua_headers
        -Wl,--whole-archive ${lua_archive} -Wl,--no-whole-archive m ${CMAKE_DL_LIBS})
    target_link_options(dynsup_lua_program INTERFACE LINKER:--export-dynamic)
else()
    target_link_libraries(dynsup_lua_program INTERFACE PkgConfig::lua)
endif()

# luv, by itself: its pkg-config module would bring liblua along.
pkg_check_modules(luv_pc REQUIRED lua5.4-luv)
find_library(luv_library NAMES lua5.4-luv HINTS ${luv_pc_LIBRARY_DIRS} REQUIRED)
add_library(dynsup_luv INTERFACE)
target_link_libraries(dynsup_luv INTERFACE ${luv_library})

# libcurl's headers, if they are there: dynsup.http loads the library when it is first needed.
find_path(curl_include curl/curl.h)
add_library(dynsup_curl_headers INTERFACE)
target_compile_definitions(dynsup_curl_headers INTERFACE DYNSUP_CURL=$<BOOL:${curl_include}>)
target_link_libraries(dynsup_curl_headers INTERFACE ${CMAKE_DL_LIBS})
if(curl_include)
    target_include_directories(dynsup_curl_headers SYSTEM INTERFACE ${curl_include})
else()
    message(STATUS "the headers of libcurl were not found: dynsup.http will say so")
endif()
