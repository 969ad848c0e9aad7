# Examples -> BUILD/examples/NAME, benchmarks -> BUILD/bench/NAME (target bench).

# gust_example(NAME SOURCE...): examples/NAME/CMakeLists.txt calls it too, and links more to the target example-NAME.
# EXAMPLE_DIR is the folder that the example's templates and files are in.
function(gust_example name)
    add_executable(example-${name} ${ARGN})
    set_target_properties(example-${name} PROPERTIES
        OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
    target_compile_definitions(example-${name} PRIVATE EXAMPLE_DIR="${PROJECT_SOURCE_DIR}/examples/${name}")
    target_link_libraries(example-${name} PRIVATE gust_static gust-flags)
endfunction()

# gust_green_example(NAME SOURCE...): the same for a program whose blocking calls park: it links libgust-green before
# everything that calls libc.
function(gust_green_example name)
    add_executable(example-${name} ${ARGN})
    set_target_properties(example-${name} PROPERTIES
        OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
    target_compile_definitions(example-${name} PRIVATE EXAMPLE_DIR="${PROJECT_SOURCE_DIR}/examples/${name}")
    target_link_libraries(example-${name} PRIVATE gust::green gust-flags)
endfunction()

set(gust_all_folders base loop coro pool net exec http web ops)
if(GUST_FOLDERS STREQUAL gust_all_folders) # a part of the library has no examples
    file(GLOB example_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
    foreach(file IN LISTS example_files)
        get_filename_component(name ${file} NAME_WE)
        gust_example(${name} ${file})
    endforeach()

    file(GLOB example_folders CONFIGURE_DEPENDS LIST_DIRECTORIES true ${PROJECT_SOURCE_DIR}/examples/*)
    foreach(folder IN LISTS example_folders)
        get_filename_component(name ${folder} NAME)
        file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
        if(EXISTS ${folder}/CMakeLists.txt)
            # Not BUILD/examples/NAME: that is the program.
            add_subdirectory(${folder} ${PROJECT_BINARY_DIR}/CMakeFiles/examples/${name})
        elseif(sources)
            gust_example(${name} ${sources})
        endif()
    endforeach()

    add_custom_target(bench)
    file(GLOB bench_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*.c)
    foreach(file IN LISTS bench_files)
        get_filename_component(name ${file} NAME_WE)
        add_executable(bench-${name} EXCLUDE_FROM_ALL ${file})
        set_target_properties(bench-${name} PROPERTIES
            OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
        target_link_libraries(bench-${name} PRIVATE gust_static gust-own)
        add_dependencies(bench bench-${name})
        include(${PROJECT_SOURCE_DIR}/bench/${name}.cmake OPTIONAL) # what this one has to link besides
    endforeach()
    add_subdirectory(${PROJECT_SOURCE_DIR}/bench/green ${PROJECT_BINARY_DIR}/CMakeFiles/bench/green)
endif()
