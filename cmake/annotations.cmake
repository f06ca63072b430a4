# The annotation files of the Lua API for editors (LuaLS), made of the pages of docs/: build/annotations.
# The program that was just built runs what makes them, but where it cannot or should not.
set(annotations ${PROJECT_BINARY_DIR}/annotations)
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/annotations/*.lua ${PROJECT_SOURCE_DIR}/cmake/files.lua)
set(lua_of_build dynsup run)
if(CMAKE_CROSSCOMPILING OR DYNSUP_SANITIZE)
    find_program(DYNSUP_LUA NAMES lua5.4 lua REQUIRED)
    set(lua_of_build ${DYNSUP_LUA})
endif()

set(inputs ${pages})
list(TRANSFORM inputs PREPEND ${PROJECT_SOURCE_DIR}/docs/)
file(MAKE_DIRECTORY ${annotations}/dynsup)
add_custom_command(OUTPUT ${annotations}/dynsup.lua
    COMMAND ${lua_of_build} ${PROJECT_SOURCE_DIR}/cmake/annotations/generate.lua
        ${PROJECT_SOURCE_DIR} ${annotations} ${pages}
    DEPENDS ${sources} ${inputs} COMMENT "Writing annotations for editors" VERBATIM)
add_custom_target(annotations ALL DEPENDS ${annotations}/dynsup.lua)
