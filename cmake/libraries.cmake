# The libraries as they are installed: libdynsup (the core) and libdynsup-lua (hosts that run Lua),
# each shared and static, made of what the program and the tests are made of. Both kinds show
# dynsup_ functions only.

include(GNUInstallDirs)

# Until 1.0 each minor version has an ABI of its own: docs/installing.md.
if(PROJECT_VERSION_MAJOR EQUAL 0)
    set(dynsup_soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
else()
    set(dynsup_soversion ${PROJECT_VERSION_MAJOR})
endif()

# Programs find the headers as <dynsup/dynsup.h>.
function(dynsup_includes target)
    target_include_directories(${target} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    add_dependencies(${target} dynsup_public_headers)
endfunction()

# dynsup_shared(target part name): the shared library of that name, of the part's objects.
function(dynsup_shared target part name)
    add_library(${target} SHARED $<TARGET_OBJECTS:${part}>)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} LINKER_LANGUAGE C
        VERSION ${PROJECT_VERSION} SOVERSION ${dynsup_soversion} INSTALL_RPATH $ORIGIN)
    target_link_options(${target} PRIVATE LINKER:-Bsymbolic-functions)
    if(NOT DYNSUP_SANITIZE)
        target_link_options(${target} PRIVATE LINKER:-z,defs)
    endif()
    target_link_libraries(${target} PRIVATE dynsup_build)
    dynsup_includes(${target})
endfunction()

# dynsup_static(target part name): the archive of that name, of one object in which everything that
# is not exported is local, so that no name of it meets one of the program's. The object is machine
# code also where the part's objects are to be optimised when they are linked.
function(dynsup_static target part name)
    set(object ${PROJECT_BINARY_DIR}/${name}.o)
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        set(machine_code -flinker-output=nolto-rel)
    endif()
    add_custom_command(OUTPUT ${object}
        COMMAND ${CMAKE_C_COMPILER} -r -nostdlib ${machine_code} -o ${object} $<TARGET_OBJECTS:${part}>
        COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${object}
        DEPENDS ${part} $<TARGET_OBJECTS:${part}>
        COMMENT "Joining ${name}.o" COMMAND_EXPAND_LISTS VERBATIM)
    set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
    add_library(${target} STATIC ${object})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} LINKER_LANGUAGE C)
    dynsup_includes(${target})
endfunction()

file(GLOB public_headers CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/core/dynsup*.h ${PROJECT_SOURCE_DIR}/bindings/dynsup*.h)
dynsup_headers(dynsup_installed_headers ${public_headers})
add_custom_target(dynsup_public_headers ALL DEPENDS ${dynsup_installed_headers})

# What a program needs besides is found by the CMake package (cmake/dynsup-config.cmake.in) under
# the names after INSTALL_INTERFACE.
dynsup_shared(dynsup_core_shared dynsup_core dynsup)
target_link_libraries(dynsup_core_shared PRIVATE PkgConfig::uv Threads::Threads m)
dynsup_static(dynsup_core_static dynsup_core dynsup)
target_link_libraries(dynsup_core_static INTERFACE
    $<BUILD_INTERFACE:PkgConfig::uv> $<INSTALL_INTERFACE:PkgConfig::dynsup_uv> Threads::Threads m)

dynsup_shared(dynsup_lua_shared dynsup_lua dynsup-lua)
target_link_libraries(dynsup_lua_shared
    PRIVATE dynsup_luv PkgConfig::crypto PkgConfig::uv Threads::Threads ${CMAKE_DL_LIBS} m
    PUBLIC dynsup_core_shared
        $<BUILD_INTERFACE:PkgConfig::lua> $<INSTALL_INTERFACE:PkgConfig::dynsup_lua>)
dynsup_static(dynsup_lua_static dynsup_lua dynsup-lua)
target_link_libraries(dynsup_lua_static INTERFACE dynsup_core_static ${CMAKE_DL_LIBS} m
    $<BUILD_INTERFACE:PkgConfig::lua> $<INSTALL_INTERFACE:PkgConfig::dynsup_lua>
    $<BUILD_INTERFACE:${luv_library}> $<INSTALL_INTERFACE:dynsup::luv>
    $<BUILD_INTERFACE:PkgConfig::crypto> $<INSTALL_INTERFACE:PkgConfig::dynsup_crypto>)

set_target_properties(dynsup_core_shared PROPERTIES EXPORT_NAME core)
set_target_properties(dynsup_lua_shared PROPERTIES EXPORT_NAME lua)
set_target_properties(dynsup_core_static PROPERTIES EXPORT_NAME core_static)
set_target_properties(dynsup_lua_static PROPERTIES EXPORT_NAME lua_static)
add_library(dynsup::core ALIAS dynsup_core_shared)
add_library(dynsup::lua ALIAS dynsup_lua_shared)
add_library(dynsup::core_static ALIAS dynsup_core_static)
add_library(dynsup::lua_static ALIAS dynsup_lua_static)
