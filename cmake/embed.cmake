# Compiles files in: as data of a C file with a table of their names, texts and sizes.
# Included by the build it defines dynsup_embed; run by cmake -P it writes the C file.

# dynsup_embed(OUT folder TYPE type TABLE table HEADER header FILES files...): OUT is a C file made
# from these files, which are named as seen from the folder. The header declares the table.
function(dynsup_embed out folder)
    cmake_parse_arguments(PARSE_ARGV 2 embed "" "TYPE;TABLE;HEADER" FILES)
    set(root ${PROJECT_SOURCE_DIR}/${folder})
    set(result ${PROJECT_BINARY_DIR}/${folder}.c)
    set(script ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
    list(JOIN embed_FILES "," names) # in the command, so that it runs again when a file is removed
    list(TRANSFORM embed_FILES PREPEND ${root}/ OUTPUT_VARIABLE files)
    add_custom_command(OUTPUT ${result}
        COMMAND ${CMAKE_COMMAND} -D ROOT=${root} -D FILES=${names} -D OUT=${result}
            -D TYPE=${embed_TYPE} -D TABLE=${embed_TABLE} -D HEADER=${embed_HEADER} -P ${script}
        DEPENDS ${files} ${script} COMMENT "Embedding ${folder}" VERBATIM)
    set(${out} ${result} PARENT_SCOPE)
endfunction()

# dynsup/init.lua is the module dynsup, dynsup/log.lua is dynsup.log. Other files are what they are.
function(entry_name out file)
    set(name ${file})
    if(name MATCHES "\\.lua$")
        string(REGEX REPLACE "(/init)?\\.lua$" "" name ${name})
        string(REPLACE "/" "." name ${name})
    endif()
    set(${out} ${name} PARENT_SCOPE)
endfunction()

function(write_table root files out)
    string(REPEAT "." 80 line)
    set(data "")
    set(table "")
    set(number 0)
    foreach(file IN LISTS files)
        file(READ ${root}/${file} bytes HEX)
        string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
        string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
        entry_name(name ${file})
        string(APPEND data
            "/* ${file} */\nstatic const unsigned char text_${number}[] = {\n${bytes}0};\n")
        string(APPEND table
            "    {\"${name}\", (const char *)text_${number}, sizeof text_${number} - 1},\n")
        math(EXPR number "${number} + 1")
    endforeach()
    file(WRITE ${out}
        "#include \"${HEADER}\"\n\n#include <stddef.h>\n\n${data}\n"
        "const ${TYPE} ${TABLE}[] = {\n${table}    {NULL, NULL, 0},\n};\n")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
    string(REPLACE "," ";" FILES "${FILES}")
    write_table(${ROOT} "${FILES}" ${OUT})
endif()
