# What the templates are measured against: kainjow's Mustache is C++ (no Mustache in C is packaged), Jinja2 is Python and
# needs no build, html/template is Go's. What is missing is left out.
find_path(GUST_MUSTACHE kainjow/mustache.hpp)
if(GUST_MUSTACHE AND CMAKE_CXX_COMPILER)
    add_executable(bench-fortunes-mustache EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/bench/fortunes/mustache.cc)
    set_target_properties(bench-fortunes-mustache PROPERTIES CXX_STANDARD 17 OUTPUT_NAME fortunes-mustache
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
    target_include_directories(bench-fortunes-mustache PRIVATE ${GUST_MUSTACHE})
    target_compile_options(bench-fortunes-mustache PRIVATE -O2)
    add_dependencies(bench bench-fortunes-mustache)
endif()
find_program(GUST_GO go)
if(GUST_GO)
    set(output ${PROJECT_BINARY_DIR}/bench/fortunes-go)
    add_custom_command(OUTPUT ${output} DEPENDS ${PROJECT_SOURCE_DIR}/bench/fortunes/fortunes.go
        COMMAND ${CMAKE_COMMAND} -E env GOCACHE=${PROJECT_BINARY_DIR}/go-cache GOFLAGS=-mod=mod GO111MODULE=off
            ${GUST_GO} build -o ${output} ${PROJECT_SOURCE_DIR}/bench/fortunes/fortunes.go
        COMMENT "Building bench/fortunes-go" VERBATIM)
    add_custom_target(bench-fortunes-go DEPENDS ${output})
    add_dependencies(bench bench-fortunes-go)
endif()
