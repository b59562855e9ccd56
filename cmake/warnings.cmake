# The warnings every target of the project is built with.
add_library(chiaro_warnings INTERFACE)
target_compile_options(chiaro_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wcast-align -Woverloaded-virtual
  $<$<BOOL:${CHIARO_WERROR}>:-Werror>)
