# Test programs in which calls fail: the linker hands them to the program's own functions.

# dynsup_wrap(target list): the calls that the header names, each as UV(name, SYSTEM(type, name or
# LATE(name).
function(dynsup_wrap target list)
    file(READ ${PROJECT_SOURCE_DIR}/${list} text)
    # luv names these calls, too, and the linker wants what it gives them to be visible
    set_target_properties(${target} PROPERTIES C_VISIBILITY_PRESET default)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${list})
    string(REGEX REPLACE "^.*(#define DSL_TEST_CALLS)" "\\1" text "${text}")
    string(REGEX REPLACE "SYSTEM\\([^,)]*, " "UV(" text "${text}")
    string(REGEX MATCHALL "(UV|LATE)\\([a-z_]+[,)]" calls "${text}")
    foreach(call IN LISTS calls)
        string(REGEX REPLACE "^(UV|LATE)\\(([a-z_]+).*" "\\2" name "${call}")
        target_link_options(${target} PRIVATE LINKER:--wrap=${name})
    endforeach()
endfunction()
