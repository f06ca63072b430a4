# What `cmake --install` puts where. The paths are relative, so that any prefix will do; with
# --component a part of it: Runtime, Lua, Development or Documentation.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# In Debian's folders when the prefix is /usr, as GNUInstallDirs does.
set(DYNSUP_LUA_MODULE_DIR "" CACHE STRING
    "where lua5.4 finds modules written in C (default: lua/5.4 in the folder of libraries)")
set(module_dir ${DYNSUP_LUA_MODULE_DIR})
if(NOT module_dir)
    set(module_dir ${CMAKE_INSTALL_LIBDIR}/lua/5.4)
endif()

install(TARGETS dynsup RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT Runtime)
install(TARGETS dynsup_module LIBRARY DESTINATION ${module_dir} COMPONENT Lua)

# ---- libraries ----

# dynsup_install_library(part): its libraries, each with a file of the CMake package.
function(dynsup_install_library part)
    install(TARGETS dynsup_${part}_shared EXPORT ${part}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT Runtime
        NAMELINK_COMPONENT Development)
    install(TARGETS dynsup_${part}_static EXPORT ${part}_static
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT Development)
    foreach(export ${part} ${part}_static)
        install(EXPORT ${export} NAMESPACE dynsup:: FILE dynsup-${export}.cmake
            DESTINATION ${package_dir} COMPONENT Development)
    endforeach()
endfunction()

# dynsup_pkgconfig(name): pkg-config finds the prefix from where the file is. What only the archives
# need is in Libs.private and not in Requires.private, whose packages must be there for all.
function(dynsup_pkgconfig name)
    file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
    string(REGEX REPLACE "/$" "" pc_prefix ${pc_prefix})
    configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${name}.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT Development)
endfunction()

if(DYNSUP_LIBRARIES)
    set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/dynsup)
    dynsup_install_library(core)
    dynsup_install_library(lua)
    configure_package_config_file(cmake/dynsup-config.cmake.in dynsup-config.cmake
        INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
    write_basic_package_version_file(dynsup-config-version.cmake
        VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
    install(FILES ${PROJECT_BINARY_DIR}/dynsup-config.cmake
        ${PROJECT_BINARY_DIR}/dynsup-config-version.cmake
        DESTINATION ${package_dir} COMPONENT Development)
    dynsup_pkgconfig(dynsup)
    dynsup_pkgconfig(dynsup-lua)
    install(FILES ${dynsup_installed_headers}
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dynsup COMPONENT Development)
endif()

# ---- what is read ----

install(FILES README.md CHANGELOG.md SECURITY.md LICENSE
    DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT Documentation)
install(DIRECTORY docs examples
    DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT Documentation PATTERN *.[1-9] EXCLUDE)
install(DIRECTORY ${PROJECT_BINARY_DIR}/reference # if it was made
    DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT Documentation OPTIONAL FILES_MATCHING PATTERN *.md)
install(DIRECTORY ${annotations}/ DESTINATION ${CMAKE_INSTALL_DATADIR}/dynsup/annotations
    COMPONENT Documentation FILES_MATCHING PATTERN *.lua)
file(GLOB manuals CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/*.1)
install(FILES ${manuals} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT Documentation)
