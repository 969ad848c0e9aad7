# What the templates are measured against: kainjow's Mustache is C++ (no Mustache in C is packaged), Jinja2 is Python and
# needs no build, html/template is Go's. What is missing is left out.
find_path(GUST_MUSTACHE kainjow/mustache.hpp)
find_program(GUST_CXX NAMES g++ c++) # by itself: what compiles the tests in C++ is chosen later, by their sanitizers
if(GUST_MUSTACHE AND GUST_CXX)
    set(output ${PROJECT_BINARY_DIR}/bench/fortunes-mustache)
    add_custom_command(OUTPUT ${output} DEPENDS ${PROJECT_SOURCE_DIR}/bench/fortunes/mustache.cc
        COMMAND ${GUST_CXX} -std=c++17 -O2 -idirafter ${GUST_MUSTACHE} -o ${output} ${PROJECT_SOURCE_DIR}/bench/fortunes/mustache.cc
        COMMENT "Building bench/fortunes-mustache" VERBATIM)
    add_custom_target(bench-fortunes-mustache DEPENDS ${output})
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
