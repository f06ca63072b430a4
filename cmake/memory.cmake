# For tools/check-memory: a library that is loaded before all others and refuses memory, and the Lua module
# that runs tests with it. They need headers that not all systems with dynsup have, and nothing else needs
# them, so that tool builds them.
add_library(memory_preload MODULE EXCLUDE_FROM_ALL fuzz/memory/preload.c)
add_library(memory_fault MODULE EXCLUDE_FROM_ALL fuzz/memory/module.c)
target_link_libraries(memory_preload PRIVATE ${CMAKE_DL_LIBS})
target_link_libraries(memory_fault PRIVATE dynsup_lua_headers)
foreach(target IN ITEMS memory_preload memory_fault)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_options(${target} PRIVATE -Wall -Wextra -Werror) # without sanitizers
    set_target_properties(${target} PROPERTIES PREFIX "" C_VISIBILITY_PRESET default)
endforeach()
