# Makes what is about to be packed as Debian wants it: the licence as "copyright", the changelog and
# manual pages compressed, the archives without what is for debuggers. CPack runs it before it packs.
file(GLOB_RECURSE license ${CPACK_TEMPORARY_DIRECTORY}/*/share/doc/dynsup/LICENSE)
file(GLOB_RECURSE changelog ${CPACK_TEMPORARY_DIRECTORY}/*/share/doc/dynsup/CHANGELOG.md)
file(GLOB_RECURSE manuals ${CPACK_TEMPORARY_DIRECTORY}/*/share/man/*.[1-9])
file(GLOB_RECURSE archives ${CPACK_TEMPORARY_DIRECTORY}/*/lib/*.a)

get_filename_component(folder ${license} DIRECTORY)
file(RENAME ${license} ${folder}/copyright)
file(RENAME ${changelog} ${folder}/changelog)
execute_process(COMMAND gzip -9n ${folder}/changelog ${manuals} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND strip --strip-debug ${archives} COMMAND_ERROR_IS_FATAL ANY)
