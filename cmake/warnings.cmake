# The warnings every target of the project is built with.
add_library(chiaro_warnings INTERFACE)
target_compile_options(chiaro_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wcast-align -Woverloaded-virtual
  # GCC 12 warns wrongly about std::string concatenation (its bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
  $<$<BOOL:${CHIARO_WERROR}>:-Werror>)
# Instrumented code makes GCC warn wrongly of values that are set behind a reference.
if(CHIARO_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(chiaro_warnings INTERFACE -Wno-maybe-uninitialized)
endif()

# For code that waits for others (programs, tests) and is compiled more often than it is run long; holds for the targets
# of the calling directory.
macro(chiaro_optimise_little)
  string(REPLACE "-O3" "-O1" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
  string(REPLACE "-O2" "-O1" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # With so little, it warns wrongly about strings and vectors that are put together.
    add_compile_options(-Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
endmacro()
