# The Debian package that CPack makes of everything that is installed: tools/package.
set(DYNSUP_PACKAGE_CONTACT "dynsup <dynsup@localhost>" CACHE STRING
    "who has made the package: its field Maintainer")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME dynsup)
set(CPACK_PACKAGE_CONTACT ${DYNSUP_PACKAGE_CONTACT})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "processes under supervisors for Lua 5.4 and C")
set(CPACK_PACKAGE_DESCRIPTION
    "Many small Lua workers run under supervisors: what Elixir's DynamicSupervisor
is, for Lua 5.4. This package has the program dynsup, the module for a stock
lua5.4, and the libraries and headers for programs in C.")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debianize.cmake)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION interpreters)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON) # what the files are linked with
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, libcurl4") # dynsup.http loads it
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libc6-dev, liblua5.4-dev, lua-cjson, lua5.4, pkg-config")
include(CPack)
