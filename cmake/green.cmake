# libgust-green: libc's blocking calls, by symbol resolution. A library of its own, which programs link with directly.
file(GLOB green_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/green/*.c)
list(FILTER green_sources EXCLUDE REGEX "_test\\.c$")

# FORTIFY's inline functions have the names that are defined here.
add_library(gust-green-objects OBJECT ${green_sources})
set_target_properties(gust-green-objects PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
target_compile_options(gust-green-objects PRIVATE -U_FORTIFY_SOURCE -fno-builtin)
target_link_libraries(gust-green-objects PRIVATE gust-own)
target_compile_definitions(gust-green-objects PRIVATE GUST_LOG_NAME="gust")
# ThreadSanitizer makes a key before it is ready for instrumented code, and its wrappers of blocking calls do not see
# the atomics of what they call: to it the hooks are libc.
set_source_files_properties(${green_sources} PROPERTIES COMPILE_OPTIONS -fno-sanitize=thread)
# C++ throws through pthread_once.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/green/once.c PROPERTIES
    COMPILE_OPTIONS "-fno-sanitize=thread;-fexceptions")

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set(GUST_GREEN_NODE GLIBC_2.3.2)
else()
    set(GUST_GREEN_NODE GLIBC_2.17)
endif()
configure_file(cmake/gust-green.map.in gust-green.map @ONLY)

add_library(green_static STATIC $<TARGET_OBJECTS:gust-green-objects>)
add_library(green SHARED $<TARGET_OBJECTS:gust-green-objects>)
set_target_properties(green_static PROPERTIES OUTPUT_NAME gust-green LINKER_LANGUAGE C EXPORT_NAME green_static)
set_target_properties(green PROPERTIES OUTPUT_NAME gust-green LINKER_LANGUAGE C VERSION ${PROJECT_VERSION} SOVERSION 0
    LINK_DEPENDS ${PROJECT_BINARY_DIR}/gust-green.map)
target_link_libraries(green PRIVATE $<BUILD_INTERFACE:gust-flags>)
target_link_options(green PRIVATE -Wl,--version-script=${PROJECT_BINARY_DIR}/gust-green.map)
target_link_libraries(green PUBLIC gust)
target_link_libraries(green_static PUBLIC gust_static)

# --as-needed, which Debian's gcc may pass, would drop a library that only answers to libc's names; an archive's members
# are linked only when something asks for them.
target_link_options(green INTERFACE -Wl,--no-as-needed)
foreach(library green green_static)
    target_include_directories(${library} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
add_library(gust::green ALIAS green)
