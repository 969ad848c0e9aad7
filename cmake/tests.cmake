# Unit tests and fuzz targets, built by the target `tests`. ctest names them FOLDER/NAME and fuzz/NAME.
add_custom_target(tests)

if(CMAKE_CROSSCOMPILING) # cmocka is not there for the other architecture
    add_library(gust-cmocka INTERFACE)
    target_include_directories(gust-cmocka INTERFACE ${PROJECT_SOURCE_DIR}/tests/cross)
else()
    pkg_check_modules(cmocka IMPORTED_TARGET cmocka)
    if(cmocka_FOUND)
        add_library(gust-cmocka INTERFACE)
        target_link_libraries(gust-cmocka INTERFACE PkgConfig::cmocka)
    endif()
endif()

if(TARGET gust-cmocka)
    # gust_unit_tests(FOLDER LIBRARY...): src/FOLDER/*_test.c
    function(gust_unit_tests folder)
        file(GLOB test_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*_test.c)
        foreach(file IN LISTS test_files)
            get_filename_component(stem ${file} NAME_WE)
            string(REGEX REPLACE "_test$" "" name ${stem})
            set(target test-${folder}-${name})
            add_executable(${target} EXCLUDE_FROM_ALL ${file})
            set_target_properties(${target} PROPERTIES
                OUTPUT_NAME ${stem} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/unit/${folder})
            target_link_libraries(${target} PRIVATE ${ARGN} gust-own gust-cmocka)
            add_dependencies(tests ${target})
            add_test(NAME ${folder}/${name} COMMAND ${target})
            set_tests_properties(${folder}/${name} PROPERTIES TIMEOUT 240 LABELS unit)
        endforeach()
    endfunction()
    foreach(folder IN LISTS GUST_FOLDERS)
        gust_unit_tests(${folder} gust_static)
    endforeach()
    if(TARGET green)
        gust_unit_tests(green green) # as a program has it: two shared libraries, this one first
        set_target_properties(test-green-probe PROPERTIES ENABLE_EXPORTS ON) # for dlsym to find its OpenSSL

        # tests/green: the same calls natively and on a coroutine (NAME_differential.c), and what is not covered (limits_test.c).
        file(GLOB test_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/green/*_differential.c
            ${PROJECT_SOURCE_DIR}/tests/green/*_test.c)
        foreach(file IN LISTS test_files)
            get_filename_component(name ${file} NAME_WE)
            add_executable(test-green-${name} EXCLUDE_FROM_ALL ${file})
            set_target_properties(test-green-${name} PROPERTIES
                OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/unit/green)
            target_link_libraries(test-green-${name} PRIVATE green gust-own gust-cmocka)
            add_dependencies(tests test-green-${name})
            add_test(NAME green/${name} COMMAND test-green-${name})
            set_tests_properties(green/${name} PROPERTIES TIMEOUT 240 LABELS unit)
        endforeach()
    endif()
    include(cmake/tests_cpp.cmake)
else()
    add_custom_target(need-cmocka
        COMMAND ${CMAKE_COMMAND} -E echo "cmocka is missing: tools/install-deps --tests installs it, then configure again"
        COMMAND ${CMAKE_COMMAND} -E false)
    add_dependencies(tests need-cmocka)
endif()

# Each fuzz/NAME.c has one LLVMFuzzerTestOneInput. Without libFuzzer it replays fuzz/corpus/NAME, so that each
# input which once broke something is a regression test in every build.
if(NOT CMAKE_CROSSCOMPILING)
    add_custom_target(fuzzers)
    file(GLOB fuzz_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*.c)
    list(FILTER fuzz_files EXCLUDE REGEX "/replay_main\\.c$")
    foreach(file IN LISTS fuzz_files)
        get_filename_component(name ${file} NAME_WE)
        set(corpus ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
        add_executable(fuzz-${name} EXCLUDE_FROM_ALL ${file})
        set_target_properties(fuzz-${name} PROPERTIES
            OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzzers)
        target_link_libraries(fuzz-${name} PRIVATE gust_static gust-own)
        if(GUST_LIBFUZZER)
            target_link_options(fuzz-${name} PRIVATE -fsanitize=fuzzer)
            add_test(NAME fuzz/${name} COMMAND fuzz-${name} -runs=0 ${corpus})
        else()
            target_sources(fuzz-${name} PRIVATE ${PROJECT_SOURCE_DIR}/fuzz/replay_main.c)
            add_test(NAME fuzz/${name} COMMAND fuzz-${name} ${corpus})
        endif()
        set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT 240 LABELS fuzz)
        add_dependencies(fuzzers fuzz-${name})
    endforeach()
    add_dependencies(tests fuzzers)
endif()

# Programs that tests from outside start: BUILD/tests/NAME.
if(TARGET example-hello)
    add_executable(test-program-parity EXCLUDE_FROM_ALL tests/parity/app.c)
    set_target_properties(test-program-parity PROPERTIES
        OUTPUT_NAME parity RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    target_link_libraries(test-program-parity PRIVATE gust_static gust-flags)
    add_dependencies(tests test-program-parity)
endif()
