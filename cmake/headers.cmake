# Makes the headers as they are installed: all in one folder, include/dynsup.
# Included by the build it defines dynsup_headers; run by cmake -P it makes one header.

# dynsup_headers(OUT files...): OUT are those headers in the build's include/dynsup. In the tree they
# include each other by their folders ("core/dynsup.h"), there as neighbours ("dynsup.h").
function(dynsup_headers out)
    set(folder ${PROJECT_BINARY_DIR}/include/dynsup)
    set(script ${PROJECT_SOURCE_DIR}/cmake/headers.cmake)
    configure_file(${PROJECT_SOURCE_DIR}/cmake/dynsup_version.h.in ${folder}/dynsup_version.h @ONLY)
    set(headers ${folder}/dynsup_version.h)
    foreach(file IN LISTS ARGN)
        get_filename_component(name ${file} NAME)
        add_custom_command(OUTPUT ${folder}/${name}
            COMMAND ${CMAKE_COMMAND} -D IN=${file} -D OUT=${folder}/${name} -P ${script}
            DEPENDS ${file} ${script} VERBATIM)
        list(APPEND headers ${folder}/${name})
    endforeach()
    set(${out} ${headers} PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
    file(READ ${IN} text)
    string(REGEX REPLACE "#include \"(core|bindings)/" "#include \"" text "${text}")
    file(WRITE ${OUT} "${text}")
endif()
