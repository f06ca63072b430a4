# The reference of the C API in Markdown, made of the headers' comments: `cmake --build DIR --target
# reference` writes it to DIR/reference.
set(reference ${PROJECT_BINARY_DIR}/reference)
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/reference/*.lua ${PROJECT_SOURCE_DIR}/cmake/files.lua)
add_custom_command(OUTPUT ${reference}/index.md
    COMMAND ${CMAKE_COMMAND} -E make_directory ${reference}
    COMMAND ${lua_of_build} ${PROJECT_SOURCE_DIR}/cmake/reference/generate.lua
        ${PROJECT_SOURCE_DIR} ${reference} ${dynsup_installed_headers}
    DEPENDS ${sources} ${dynsup_installed_headers} VERBATIM)
add_custom_target(reference DEPENDS ${reference}/index.md)
