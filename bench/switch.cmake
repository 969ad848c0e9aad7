# boost.context is what the switch is measured against; without it, its line is left out.
find_library(GUST_BOOST_CONTEXT boost_context)
if(GUST_BOOST_CONTEXT)
    target_link_libraries(bench-switch PRIVATE ${GUST_BOOST_CONTEXT})
    target_compile_definitions(bench-switch PRIVATE GUST_BENCH_BOOST)
endif()
