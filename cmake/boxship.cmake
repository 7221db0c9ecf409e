# One CMake library per folder of src/: boxship_library(NAME [LINKS …] [UNITY n] [LIGHTLY]) takes every .cpp of the folder
# (and of the folders named in DIRS) except *_test.cpp, which become one test binary NAME_test.
# LIGHTLY: optimised with -O1, which takes a quarter off its compile time; for what waits for kernels, disks and people.
#
# LINKS is the folder's row of the include table (docs/architecture.md); tools/tidy checks the includes against it.

add_library(boxship_flags INTERFACE)
target_include_directories(boxship_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/gen)
target_compile_options(boxship_flags INTERFACE -Wall -Wextra -Wpedantic -Wno-missing-field-initializers)
# Stack protector, full RELRO: the program runs as root and reads what strangers send. What nothing calls is left out.
target_compile_options(boxship_flags INTERFACE -fstack-protector-strong -ffunction-sections -fdata-sections)
target_link_options(boxship_flags INTERFACE -Wl,-z,relro,-z,now,--gc-sections)
target_link_libraries(boxship_flags INTERFACE fmt::fmt Threads::Threads)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 warns of what is no fault: of coroutines' frames (which it names itself) where several files are compiled at
  # once, of Asio's own allocation of them, of std::string's inner buffer. Clang's warnings are all on.
  target_compile_options(boxship_flags INTERFACE -fcoroutines -Wno-subobject-linkage -Wno-mismatched-new-delete -Wno-maybe-uninitialized
                         -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endif()
if(BOXSHIP_SANITIZE)
  target_compile_options(boxship_flags INTERFACE -fsanitize=${BOXSHIP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(boxship_flags INTERFACE -fsanitize=${BOXSHIP_SANITIZE})
  # What costs much to compile and finds what a crash shows anyway. A build is quickest with -DCMAKE_BUILD_TYPE=Debug:
  # -O1 takes three times as long.
  if(BOXSHIP_SANITIZE MATCHES undefined)
    target_compile_options(boxship_flags INTERFACE -fno-sanitize=null,alignment,vptr,object-size)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      # Its marks before functions cannot be written for the parts of a coroutine ("difference across sections").
      target_compile_options(boxship_flags INTERFACE -fno-sanitize=function)
    endif()
  endif()
endif()
if(BOXSHIP_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "BOXSHIP_FUZZ needs clang: configure with -DCMAKE_CXX_COMPILER=clang++")
  endif()
  target_compile_options(boxship_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(boxship_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(BOXSHIP_LLD ld.lld)
if(BOXSHIP_LLD)
  add_link_options(-fuse-ld=lld)
endif()
find_program(BOXSHIP_CCACHE ccache)
if(BOXSHIP_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${BOXSHIP_CCACHE})
endif()

# Tests run once: optimising them costs more than it gives. What they test is compiled as it is shipped.
set(BOXSHIP_TEST_FLAGS -O0)

# Precompiled once, used by every library: common std headers (1.0 s → 0.2 s a file), and GoogleTest.
file(WRITE ${CMAKE_BINARY_DIR}/pch/empty.cpp "")
add_library(boxship_pch OBJECT ${CMAKE_BINARY_DIR}/pch/empty.cpp)
target_link_libraries(boxship_pch PRIVATE boxship_flags)
target_precompile_headers(boxship_pch PRIVATE
  <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <cstring> <deque> <functional> <map> <memory> <mutex> <optional>
  <set> <span> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector> <fmt/format.h>)
if(BOXSHIP_TESTS)
  add_library(boxship_test_pch OBJECT ${CMAKE_BINARY_DIR}/pch/empty.cpp)
  target_link_libraries(boxship_test_pch PRIVATE boxship_flags GTest::gtest GTest::gmock)
  target_compile_options(boxship_test_pch PRIVATE ${BOXSHIP_TEST_FLAGS})
  target_precompile_headers(boxship_test_pch PRIVATE
    <algorithm> <array> <chrono> <functional> <map> <memory> <optional> <string> <string_view> <vector> <fmt/format.h>
    <gtest/gtest.h> <gmock/gmock.h>)
endif()

function(boxship_lightly target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

function(boxship_library name)
  cmake_parse_arguments(ARG "LIGHTLY" "UNITY" "LINKS;PRIVATE_LINKS;TEST_LINKS;DIRS" ${ARGN})
  set(patterns ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(dir IN LISTS ARG_DIRS)
    list(APPEND patterns ${CMAKE_CURRENT_SOURCE_DIR}/${dir}/*.cpp)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  if(sources)
    add_library(boxship_${name} STATIC ${sources})
    target_link_libraries(boxship_${name} PUBLIC boxship_flags ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
    target_precompile_headers(boxship_${name} REUSE_FROM boxship_pch)
    if(ARG_LIGHTLY)
      boxship_lightly(boxship_${name})
    endif()
    if(NOT ARG_UNITY)
      set(ARG_UNITY 4)
    endif()
    set_target_properties(boxship_${name} PROPERTIES UNITY_BUILD ${BOXSHIP_UNITY} UNITY_BUILD_BATCH_SIZE ${ARG_UNITY})
  else()
    add_library(boxship_${name} INTERFACE)
    target_link_libraries(boxship_${name} INTERFACE boxship_flags ${ARG_LINKS})
  endif()
  if(BOXSHIP_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE boxship_${name} ${ARG_TEST_LINKS} ${ARG_PRIVATE_LINKS} GTest::gtest GTest::gmock GTest::gtest_main)
    target_precompile_headers(${name}_test REUSE_FROM boxship_test_pch)
    target_compile_options(${name}_test PRIVATE ${BOXSHIP_TEST_FLAGS})
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 120)
  endif()
endfunction()
