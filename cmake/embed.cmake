# Compiles Lua files in: as data of a C file with the table dsl_scripts of bindings/scripts.h.
# Included by the build it defines dynsup_embed; run by cmake -P it writes the C file.

# dynsup_embed(OUT folder): OUT is a C file made from folder/**/*.lua.
function(dynsup_embed out folder)
    set(root ${PROJECT_SOURCE_DIR}/${folder})
    set(result ${PROJECT_BINARY_DIR}/${folder}.c)
    set(script ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${root} ${root}/*.lua)
    list(JOIN files "," names) # in the command, so that it runs again when a file is removed
    list(TRANSFORM files PREPEND ${root}/)
    add_custom_command(OUTPUT ${result}
        COMMAND ${CMAKE_COMMAND} -D ROOT=${root} -D FILES=${names} -D OUT=${result} -P ${script}
        DEPENDS ${files} ${script} COMMENT "Embedding ${folder}" VERBATIM)
    set(${out} ${result} PARENT_SCOPE)
endfunction()

# dynsup/init.lua is the module dynsup, dynsup/log.lua is dynsup.log.
function(module_name out file)
    string(REGEX REPLACE "(/init)?\\.lua$" "" name ${file})
    string(REPLACE "/" "." name ${name})
    set(${out} ${name} PARENT_SCOPE)
endfunction()

function(write_scripts root files out)
    string(REPEAT "." 80 line)
    set(data "")
    set(table "")
    set(number 0)
    foreach(file IN LISTS files)
        file(READ ${root}/${file} bytes HEX)
        string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
        string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
        module_name(name ${file})
        string(APPEND data
            "/* ${file} */\nstatic const unsigned char script_${number}[] = {\n${bytes}0};\n")
        string(APPEND table
            "    {\"${name}\", (const char *)script_${number}, sizeof script_${number} - 1},\n")
        math(EXPR number "${number} + 1")
    endforeach()
    file(WRITE ${out}
        "#include \"bindings/scripts.h\"\n\n#include <stddef.h>\n\n${data}\n"
        "const struct dsl_script dsl_scripts[] = {\n${table}    {NULL, NULL, 0},\n};\n")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
    string(REPLACE "," ";" FILES "${FILES}")
    write_scripts(${ROOT} "${FILES}" ${OUT})
endif()
