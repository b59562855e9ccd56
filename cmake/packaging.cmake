# The manual page and the completion, printed by the program itself, and `cpack`: a Debian package of the component
# restore.
if(NOT CMAKE_CROSSCOMPILING)
  set(pages ${CMAKE_CURRENT_BINARY_DIR}/pages)
  file(MAKE_DIRECTORY ${pages})
  add_custom_command(OUTPUT ${pages}/chiaro.1 ${pages}/chiaro.bash
    COMMAND chiaro generate manual > ${pages}/chiaro.1
    COMMAND chiaro generate completion > ${pages}/chiaro.bash
    DEPENDS chiaro VERBATIM)
  add_custom_target(chiaro_pages ALL DEPENDS ${pages}/chiaro.1 ${pages}/chiaro.bash)
  install(FILES ${pages}/chiaro.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT restore)
  install(FILES ${pages}/chiaro.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME chiaro
    COMPONENT restore)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME chiaro)
set(CPACK_PACKAGE_CONTACT "The authors of chiaro")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL restore)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_RESTORE_PACKAGE_NAME chiaro)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION graphics)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
# Most of the package are libraries of the engine, which xz takes minutes to press.
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)
include(CPack)
