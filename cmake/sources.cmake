# Which C files of a folder are part of the product and which are tests.

# dynsup_sources(OUT folder): the folder's C files, without tests and what helps them.
function(dynsup_sources out folder)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.c)
    list(FILTER files EXCLUDE REGEX "(_test|/test_[^/]*)\\.c$")
    set(${out} ${files} PARENT_SCOPE)
endfunction()

# dynsup_test_sources(OUT folder): the folder's test programs.
function(dynsup_test_sources out folder)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*_test.c)
    set(${out} ${files} PARENT_SCOPE)
endfunction()
