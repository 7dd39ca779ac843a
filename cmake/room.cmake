# How every target of this project is compiled: one function, no global flags.

function(cinderlog_flags target)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE CINDERLOG_VERSION="${PROJECT_VERSION}")
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow
    $<$<COMPILE_LANGUAGE:C>:-Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla>
    -fno-strict-aliasing -fstack-protector-strong)
  if(CINDERLOG_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(CINDERLOG_ARENA_DEBUG)
    target_compile_definitions(${target} PRIVATE CINDERLOG_ARENA_DEBUG)
  endif()
  if(CINDERLOG_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${CINDERLOG_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all -g)
    target_link_options(${target} PRIVATE -fsanitize=${CINDERLOG_SANITIZE})
  endif()
  if(CINDERLOG_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  if(CINDERLOG_COVERAGE)
    target_compile_options(${target} PRIVATE -fprofile-instr-generate -fcoverage-mapping)
    target_link_options(${target} PRIVATE -fprofile-instr-generate)
  endif()
endfunction()

# cinderlog_room(NAME SOURCES ... LINKS ...): a static library that others include as "NAME/...".
function(cinderlog_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${ROOM_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ROOM_LINKS})
  cinderlog_flags(${name})
endfunction()

# cinderlog_test(NAME SOURCES ... LINKS ...): one cmocka program, one ctest.
function(cinderlog_test name)
  cmake_parse_arguments(T "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${T_LINKS} PkgConfig::CMOCKA)
  cinderlog_flags(${name})
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tests)
endfunction()
