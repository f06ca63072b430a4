# The options of the build, and dynsup_build: the flags that every target of the project gets.
option(DYNSUP_TESTS "build the C tests (needs cmocka)" ON)
option(DYNSUP_LIBRARIES "build the libraries for C programs" ON)
option(DYNSUP_WERROR "treat warnings as errors" OFF)
option(DYNSUP_COVERAGE "count which lines run" OFF)
option(DYNSUP_TINY "make batches, stocks and pages tiny, for tests" OFF)
option(DYNSUP_FUZZ "build the fuzz targets for libFuzzer (needs clang)" OFF)
set(DYNSUP_SANITIZE "" CACHE STRING "sanitizers: address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-Og -g")
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
include(CheckIPOSupported)
check_ipo_supported(RESULT ipo LANGUAGES C)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU") # others cannot join their objects: cmake/libraries.cmake
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION_RELEASE ${ipo})
endif()

add_library(dynsup_build INTERFACE)
target_include_directories(dynsup_build INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(dynsup_build INTERFACE
    _POSIX_C_SOURCE=200809L DYNSUP_VERSION="${PROJECT_VERSION}")
target_compile_options(dynsup_build INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wold-style-definition -Wmissing-prototypes -Wvla
    -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef
    -fno-semantic-interposition # exported functions are called and inlined as others are
    $<$<BOOL:${DYNSUP_WERROR}>:-Werror>)

# What is shipped is hardened: SECURITY.md; tools/check-hardening sees that it is.
include(CheckCCompilerFlag)
check_c_compiler_flag(-fcf-protection DYNSUP_HAS_CF_PROTECTION)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    set(hardening -fstack-protector-strong -fstack-clash-protection)
    if(DYNSUP_HAS_CF_PROTECTION)
        list(APPEND hardening -fcf-protection)
    endif()
    target_compile_options(dynsup_build INTERFACE -D_FORTIFY_SOURCE=3 ${hardening})
    target_link_options(dynsup_build INTERFACE # code is made by the linker, where it optimises
        ${hardening} LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
endif()
if(DYNSUP_TINY)
    target_compile_definitions(dynsup_build INTERFACE DYNSUP_TINY)
endif()
if(DYNSUP_FUZZ)
    target_compile_options(dynsup_build INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(DYNSUP_SANITIZE)
    set(sanitize -fsanitize=${DYNSUP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_options(dynsup_build INTERFACE ${sanitize})
    target_link_options(dynsup_build INTERFACE ${sanitize})
endif()
if(DYNSUP_COVERAGE)
    target_compile_options(dynsup_build INTERFACE --coverage -fprofile-update=atomic -O0)
    target_link_options(dynsup_build INTERFACE --coverage)
endif()
