# Manual page and completion of a program, printed by the program itself.
function(chiaro_program_pages program component)
  set(pages ${CMAKE_CURRENT_BINARY_DIR}/pages/${program})
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/pages)
  add_custom_command(OUTPUT ${pages}.1 ${pages}.bash
    COMMAND ${program} generate manual > ${pages}.1
    COMMAND ${program} generate completion > ${pages}.bash
    DEPENDS ${program} VERBATIM)
  add_custom_target(pages_${program} ALL DEPENDS ${pages}.1 ${pages}.bash)
  install(FILES ${pages}.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT ${component})
  install(FILES ${pages}.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${program}
    COMPONENT ${component})
endfunction()
if(NOT CMAKE_CROSSCOMPILING)
  chiaro_program_pages(chiaro restore)
  if(CHIARO_WITH_TRAINING)
    chiaro_program_pages(chiaro-train train)
  endif()
endif()

# `cpack`: a Debian package of the component restore.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME chiaro)
set(CPACK_PACKAGE_CONTACT "The authors of chiaro")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL restore)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_RESTORE_PACKAGE_NAME chiaro)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION graphics)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "makes damaged photographs clear again")
set(CPACK_COMPONENT_RESTORE_DESCRIPTION
"Restores photographs that are noisy, blurred, rainy, hazy, dark or marked by
JPEG: single files, folders, pipes, a page in the browser (chiaro serve), and a
library for C and C++. It works blind, with a network that comes with it, says
what is wrong with a picture (chiaro inspect), and leaves alone what needs
nothing.")
# Where Debian looks for the licence.
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT restore)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
# Most of the package are libraries of the engine, which xz takes minutes to press.
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)
include(CPack)
