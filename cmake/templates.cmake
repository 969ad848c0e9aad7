# gust_add_templates(TARGET DIRECTORY folder [NAME name] [WHITESPACE mode] [AUTOESCAPE function]): compiles the
# templates below the folder into the target, which reaches them as
#     extern const gust_compiled_templates name;          (default gust_templates_compiled)
#     gust_templates_add_compiled(templates, &name);
function(gust_add_templates target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "DIRECTORY;NAME;WHITESPACE;AUTOESCAPE" "")
    if(NOT arg_DIRECTORY OR arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "gust_add_templates(TARGET DIRECTORY folder [NAME name] [WHITESPACE mode] [AUTOESCAPE function])")
    endif()
    if(NOT arg_NAME)
        set(arg_NAME gust_templates_compiled)
    endif()
    get_filename_component(folder "${arg_DIRECTORY}" ABSOLUTE)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS "${folder}/*")
    set(output "${CMAKE_CURRENT_BINARY_DIR}/${target}-${arg_NAME}.c")
    set(options "--name=${arg_NAME}")
    if(arg_WHITESPACE)
        list(APPEND options "--whitespace=${arg_WHITESPACE}")
    endif()
    if(arg_AUTOESCAPE)
        list(APPEND options "--autoescape=${arg_AUTOESCAPE}")
    endif()
    add_custom_command(OUTPUT "${output}"
        COMMAND gust::gust-template ${options} "--output=${output}" "${folder}"
        DEPENDS ${files} gust::gust-template
        COMMENT "Compiling the templates of ${arg_DIRECTORY}"
        VERBATIM)
    target_sources(${target} PRIVATE "${output}")
endfunction()
