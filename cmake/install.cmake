# make install: headers, both libraries, gust.pc and find_package(gust) with gust::gust and gust::gust_static.
if(CMAKE_CROSSCOMPILING)
    return()
endif()
include(CMakePackageConfigHelpers)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
set(gust_installed gust gust_static)
if(TARGET green)
    list(APPEND gust_installed green green_static)
endif()
if(TARGET gust-template)
    list(APPEND gust_installed gust-template)
    install(TARGETS gust-command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(TARGETS ${gust_installed} EXPORT gustTargets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

set(cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/gust)
install(EXPORT gustTargets NAMESPACE gust:: DESTINATION ${cmake_folder})
configure_package_config_file(cmake/gustConfig.cmake.in gustConfig.cmake INSTALL_DESTINATION ${cmake_folder})
write_basic_package_version_file(gustConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/templates.cmake DESTINATION ${cmake_folder} RENAME gustTemplates.cmake)
install(FILES ${PROJECT_BINARY_DIR}/gustConfig.cmake ${PROJECT_BINARY_DIR}/gustConfigVersion.cmake
    DESTINATION ${cmake_folder})

# gust.pc finds itself, so that an installed tree can be moved (and DESTDIR and --prefix need nothing).
file(RELATIVE_PATH up /x/${CMAKE_INSTALL_LIBDIR}/pkgconfig /x)
string(REGEX REPLACE "/$" "" gust_pc_prefix "\${pcfiledir}/${up}")
list(JOIN gust_packages ", " gust_pc_requires)
configure_file(cmake/gust.pc.in gust.pc @ONLY)
configure_file(cmake/gust-green.pc.in gust-green.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/gust.pc ${PROJECT_BINARY_DIR}/gust-green.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# tools/green-scan, with the lists that it reads.
install(PROGRAMS ${PROJECT_SOURCE_DIR}/tools/green-scan DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${PROJECT_SOURCE_DIR}/tools/green-limits DESTINATION ${CMAKE_INSTALL_DATADIR}/gust)
install(FILES ${PROJECT_SOURCE_DIR}/src/green/symbols.h DESTINATION ${CMAKE_INSTALL_DATADIR}/gust RENAME green-symbols.h)
