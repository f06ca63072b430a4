# Test programs: each folder/NAME_test.c becomes a program of its own and the ctest folder.NAME.
enable_testing()

# dynsup_tests(folder libraries...)
function(dynsup_tests folder)
    if(NOT DYNSUP_TESTS)
        return()
    endif()
    dynsup_test_sources(files ${folder})
    file(GLOB_RECURSE support CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/test_*.c)
    set(libraries ${ARGN} PkgConfig::cmocka)
    if(support) # compiled once for all programs of the folder
        add_library(${folder}_support OBJECT ${support})
        target_link_libraries(${folder}_support PUBLIC ${libraries})
        target_compile_definitions(${folder}_support PUBLIC
            DYNSUP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
        list(APPEND libraries ${folder}_support)
    endif()
    add_custom_target(${folder}_tests) # all programs of the folder
    foreach(file IN LISTS files)
        get_filename_component(program ${file} NAME_WE)
        string(REGEX REPLACE "_test$" "" name ${program})
        add_executable(${folder}_${program} ${file})
        add_dependencies(${folder}_tests ${folder}_${program})
        target_link_libraries(${folder}_${program} PRIVATE ${libraries})
        target_compile_definitions(${folder}_${program} PRIVATE
            DYNSUP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
        add_test(NAME ${folder}.${name} COMMAND ${folder}_${program})
        set_tests_properties(${folder}.${name} PROPERTIES TIMEOUT 300)
    endforeach()
endfunction()
