# For tools/check-memory: a library that is loaded before all others and refuses memory, the Lua module
# that runs tests with it, and an interpreter for specs. They need headers that not all systems with dynsup
# have, and nothing else needs them, so that tool builds them.
add_library(memory_preload MODULE EXCLUDE_FROM_ALL fuzz/memory/preload.c fuzz/memory/places.c)
add_library(memory_fault MODULE EXCLUDE_FROM_ALL fuzz/memory/module.c)
add_executable(memory_lua EXCLUDE_FROM_ALL fuzz/memory/lua.c)
target_link_libraries(memory_preload PRIVATE dynsup_lua_headers ${CMAKE_DL_LIBS})
target_link_libraries(memory_fault PRIVATE dynsup_lua_headers)
target_link_libraries(memory_lua PRIVATE PkgConfig::lua)
foreach(target IN ITEMS memory_preload memory_fault memory_lua)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_options(${target} PRIVATE -Wall -Wextra -Werror) # without sanitizers
    set_target_properties(${target} PROPERTIES PREFIX "" C_VISIBILITY_PRESET default)
endforeach()
