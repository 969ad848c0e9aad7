# gust-flags: what everything that we compile is compiled with. gust-own: what only the library and its tests see.
add_library(gust-flags INTERFACE)
target_compile_definitions(gust-flags INTERFACE _GNU_SOURCE)
target_compile_options(gust-flags INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wshadow -Wconversion>
    $<$<AND:$<COMPILE_LANGUAGE:C>,$<BOOL:${GUST_WERROR}>>:-Werror>
    -fno-omit-frame-pointer
    -fno-semantic-interposition)
target_link_options(gust-flags INTERFACE -Wl,--as-needed -Wl,-z,relro -Wl,-z,now)

# A coroutine's stack has one guard page: a large frame must touch each page on its way down, never jump over it.
check_c_compiler_flag(-fstack-clash-protection GUST_HAS_STACK_CLASH)
if(GUST_HAS_STACK_CLASH)
    target_compile_options(gust-flags INTERFACE -fstack-clash-protection)
endif()

# libdw finds the line of an address by a table that gcc writes and clang only when asked.
check_c_compiler_flag(-gdwarf-aranges GUST_HAS_DWARF_ARANGES)
if(GUST_HAS_DWARF_ARANGES)
    target_compile_options(gust-flags INTERFACE -gdwarf-aranges)
endif()

if(GUST_SANITIZE)
    target_compile_options(gust-flags INTERFACE -fsanitize=${GUST_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(gust-flags INTERFACE -fsanitize=${GUST_SANITIZE})
endif()
if(GUST_LIBFUZZER)
    target_compile_options(gust-flags INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(gust-flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(gust-own INTERFACE)
target_link_libraries(gust-own INTERFACE gust-flags)
target_include_directories(gust-own INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
if(GUST_FAULTS)
    target_compile_definitions(gust-own INTERFACE GUST_FAULTS)
endif()
