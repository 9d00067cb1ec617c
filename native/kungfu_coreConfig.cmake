# CMake package of the installed core: `find_package(kungfu_core CONFIG)` gives the target
# kungfu::headers; kungfu_core.get_cmake_dir() is the folder to look in.
if(NOT TARGET kungfu::headers)
  add_library(kungfu::headers INTERFACE IMPORTED)
  set_target_properties(kungfu::headers PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CURRENT_LIST_DIR}/../include"
    INTERFACE_COMPILE_FEATURES cxx_std_17)
endif()
