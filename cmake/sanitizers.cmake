# CHIARO_SANITIZE=address,undefined instruments everything that is built.
if(CHIARO_SANITIZE)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_compile_options(-fsanitize=${CHIARO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CHIARO_SANITIZE})
endif()
