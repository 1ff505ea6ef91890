# What `cmake --install` leaves: headers, library, program, a CMake package and a pkg-config file. Both files are
# relocatable, so --prefix may be given at install time.
include(CMakePackageConfigHelpers)

set(FOVEA_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/fovea)

install(DIRECTORY include/fovea DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS fovea EXPORT fovea-targets)
if(TARGET fovea_program)
  install(TARGETS fovea_program)
endif()

install(EXPORT fovea-targets NAMESPACE fovea:: DESTINATION ${FOVEA_PACKAGE_DIR})
configure_package_config_file(cmake/fovea-config.cmake.in ${PROJECT_BINARY_DIR}/fovea-config.cmake
                              INSTALL_DESTINATION ${FOVEA_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fovea-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/fovea-config.cmake ${PROJECT_BINARY_DIR}/fovea-config-version.cmake
        DESTINATION ${FOVEA_PACKAGE_DIR})

# A static library brings its dependencies into every link, so there they are public.
set(FOVEA_PC_PRIVATE "")
if(BUILD_SHARED_LIBS)
  set(FOVEA_PC_PRIVATE ".private")
endif()
file(RELATIVE_PATH FOVEA_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" FOVEA_PC_PREFIX ${FOVEA_PC_PREFIX})
configure_file(cmake/fovea.pc.in ${PROJECT_BINARY_DIR}/fovea.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/fovea.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
