# Programs in C that a user would copy from, built as theirs are, with the shared library: each
# examples/embed/NAME.c becomes a program and the ctest examples.NAME, which must end with 0 and
# print what examples/embed/NAME.txt holds, if there is such a file.
file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/embed/*.c)
foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WE)
    add_executable(${name} ${file})
    set_target_properties(${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
    target_link_libraries(${name} PRIVATE
        dynsup_build dynsup_lua_shared PkgConfig::uv Threads::Threads)
    add_test(NAME examples.${name} COMMAND ${CMAKE_COMMAND} -D PROGRAM=$<TARGET_FILE:${name}>
        -D EXPECTED=${PROJECT_SOURCE_DIR}/examples/embed/${name}.txt
        -P ${PROJECT_SOURCE_DIR}/cmake/run_example.cmake)
    set_tests_properties(examples.${name} PROPERTIES TIMEOUT 60)
endforeach()

# The bigger ones are projects of their own, which use dynsup as it is installed: the target
# dynsup::lua, whose headers are in a folder dynsup.
foreach(project game tool)
    add_subdirectory(examples/${project})
endforeach()
foreach(target game logwatch)
    if(TARGET ${target})
        target_link_libraries(${target} PRIVATE dynsup_build) # its warnings and sanitizers
    endif()
endforeach()
