# clang 14 where it is (what the sanitizers are tried with), otherwise the system's.
find_program(GUST_CLANG NAMES clang-14 clang REQUIRED)
set(CMAKE_C_COMPILER ${GUST_CLANG})
