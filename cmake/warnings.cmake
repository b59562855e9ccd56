# The warnings every target of the project is built with.
add_library(chiaro_warnings INTERFACE)
target_compile_options(chiaro_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wcast-align -Woverloaded-virtual
  # GCC 12 warns wrongly about std::string concatenation (its bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
  $<$<BOOL:${CHIARO_WERROR}>:-Werror>)
