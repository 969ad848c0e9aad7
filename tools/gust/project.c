/* Each file of tools/gust/project, put in as it is by the assembler: PROJECT_FOLDER is that folder. */
#include "project.h"

#include <gust/base.h>

#define EMBED(symbol, file)                                                                         \
    __asm__(".pushsection .rodata\n" #symbol ":\n.incbin \"" PROJECT_FOLDER "/" file "\"\n" #symbol \
            "_end:\n.byte 0\n.popsection\n");                                                       \
    extern const char symbol[], symbol##_end[]

EMBED(project_main, "main.c");
EMBED(project_app, "app.c");
EMBED(project_header, "app.h");
EMBED(project_tests, "app_test.c");
EMBED(project_base, "templates/base.html");
EMBED(project_index, "templates/index.html");
EMBED(project_style, "static/style.css");
EMBED(project_cmake, "CMakeLists.txt");
EMBED(project_make, "Makefile");
EMBED(project_ignore, "gitignore");
EMBED(project_readme, "README.md");

#define EMBEDDED(path, symbol)     \
    {                              \
        path, symbol, symbol##_end \
    }

const struct project_file project_files[] = {
    EMBEDDED("main.c", project_main),
    EMBEDDED("app.c", project_app),
    EMBEDDED("app.h", project_header),
    EMBEDDED("app_test.c", project_tests),
    EMBEDDED("templates/base.html", project_base),
    EMBEDDED("templates/index.html", project_index),
    EMBEDDED("static/style.css", project_style),
    EMBEDDED("CMakeLists.txt", project_cmake),
    EMBEDDED("Makefile", project_make),
    EMBEDDED(".gitignore", project_ignore),
    EMBEDDED("README.md", project_readme),
};
const size_t project_file_count = GUST_LEN(project_files);
