# The library: compiled once, position independent, then put into libgust.a and libgust.so.
set(gust_sources)
foreach(folder IN LISTS GUST_FOLDERS)
    file(GLOB found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.c ${PROJECT_SOURCE_DIR}/src/${folder}/*.S)
    list(FILTER found EXCLUDE REGEX "_test\\.c$")
    list(APPEND gust_sources ${found})
endforeach()

set(gust_packages) # what a static program has to link besides
if("net" IN_LIST GUST_FOLDERS) # all that stands above it needs the folder too
    list(APPEND gust_packages libpcre2-8)
endif()
if("http" IN_LIST GUST_FOLDERS OR "web" IN_LIST GUST_FOLDERS)
    list(APPEND gust_packages jansson)
endif()
foreach(package IN LISTS gust_packages)
    pkg_check_modules(${package} IMPORTED_TARGET ${package})
    if(NOT ${package}_FOUND)
        message(FATAL_ERROR "${package} is missing. On Debian and Ubuntu, tools/install-deps installs what the build needs.")
    endif()
endforeach()

add_library(gust-objects OBJECT ${gust_sources})
set_target_properties(gust-objects PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
target_link_libraries(gust-objects PRIVATE gust-own)

add_library(gust_static STATIC $<TARGET_OBJECTS:gust-objects>)
add_library(gust SHARED $<TARGET_OBJECTS:gust-objects>)
target_link_libraries(gust PRIVATE $<BUILD_INTERFACE:gust-flags>)
set_target_properties(gust_static PROPERTIES OUTPUT_NAME gust LINKER_LANGUAGE C)
set_target_properties(gust PROPERTIES LINKER_LANGUAGE C VERSION ${PROJECT_VERSION} SOVERSION 0
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/gust.map)
target_link_options(gust PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/gust.map)
foreach(library gust gust_static)
    target_include_directories(${library} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
target_link_libraries(gust PRIVATE m)
target_link_libraries(gust_static PRIVATE m)
foreach(package IN LISTS gust_packages)
    target_link_libraries(gust-objects PRIVATE PkgConfig::${package})
    target_link_libraries(gust PRIVATE PkgConfig::${package})
    target_link_libraries(gust_static PRIVATE PkgConfig::${package})
endforeach()
