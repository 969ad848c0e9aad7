target_link_libraries(bench-switch PRIVATE boost_context) # what it is measured against
