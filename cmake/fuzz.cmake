# Fuzz targets (fuzz/README.md): with DYNSUP_FUZZ as programs of libFuzzer, else as tests that run the
# target on the inputs that are kept in fuzz/corpus/TARGET.

set(fuzz_scripts spec codec attach http names record) # fuzz/NAME.lua, called by fuzz/script.c
if(NOT curl_include)
    list(REMOVE_ITEM fuzz_scripts http)
endif()

if(DYNSUP_FUZZ)
    set(fuzz_driver)
    set(fuzz_flags -fsanitize=fuzzer)
else()
    add_library(fuzz_driver OBJECT ${PROJECT_SOURCE_DIR}/fuzz/main.c)
    target_link_libraries(fuzz_driver PRIVATE dynsup_build)
    target_compile_definitions(fuzz_driver PRIVATE _DEFAULT_SOURCE)
    set(fuzz_driver $<TARGET_OBJECTS:fuzz_driver>)
    set(fuzz_flags)
endif()
add_custom_target(fuzzers)

# dynsup_fuzz(name sources...): the program fuzz_NAME, and the ctest fuzz.NAME.
function(dynsup_fuzz name)
    add_executable(fuzz_${name} ${ARGN} ${fuzz_driver})
    target_link_libraries(fuzz_${name} PRIVATE dynsup_lua dynsup_lua_program)
    target_link_options(fuzz_${name} PRIVATE ${fuzz_flags})
    add_dependencies(fuzzers fuzz_${name})
    if(NOT DYNSUP_FUZZ)
        add_test(NAME fuzz.${name} COMMAND fuzz_${name} ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
        set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 300)
    endif()
endfunction()

foreach(name IN LISTS fuzz_scripts)
    dynsup_fuzz(${name} ${PROJECT_SOURCE_DIR}/fuzz/script.c)
    target_compile_definitions(fuzz_${name} PRIVATE FUZZ_TARGET="${name}"
        FUZZ_COUNTERS=$<BOOL:${DYNSUP_FUZZ}> DYNSUP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endforeach()

# The program's files but for those that the target includes; its main is called otherwise.
file(GLOB fuzz_command CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/command*.c)
set(fuzz_cli ${cli_sources})
list(FILTER fuzz_cli EXCLUDE REGEX "/(ask|attach)\\.c$")
dynsup_fuzz(command ${fuzz_command} ${fuzz_cli} ${pages_source})
# the checks know files of cli/ as the program compiles them
set_target_properties(fuzz_command PROPERTIES EXPORT_COMPILE_COMMANDS OFF)
target_compile_options(fuzz_command PRIVATE -include ${PROJECT_SOURCE_DIR}/fuzz/command.h)
target_link_libraries(fuzz_command PRIVATE PkgConfig::edit)
target_link_options(fuzz_command PRIVATE LINKER:--wrap=time)
