/*
 * gust/template.h - templates: Tornado's language over JSON values
 *
 *     <!-- templates/post.html -->
 *     {% extends "base.html" %}
 *     {% block body %}
 *       <h1>{{ title }}</h1>
 *       {% for tag in tags %}<a href="/tags/{{ tag }}">{{ tag }}</a>{% end %}
 *     {% end %}
 *
 *     static void show_post(gust_request *req)
 *     {
 *         gust_render(req, "post.html", "{s:s, s:[s, s]}", "title", "On <b>", "tags", "c", "web");
 *     }
 *
 *     gust_app_set(app, .template_directory = "templates");
 *
 * docs/templates.md has the language. A template is compiled when it is first used, with all that it extends
 * and includes, into one flat program. What {{ }} writes is escaped for the place where it stands: in text,
 * in an attribute, in a URL, a script or a style sheet. A template whose place cannot be known, because the
 * branches of an {% if %} end in different ones, does not compile. Mistakes are named with file and line:
 * "post.html:12: unknown name 'titel'".
 *
 * Set up a gust_templates (functions, modules, compiled templates) before it is first rendered from; from
 * then on any number of threads may render.
 */
#ifndef GUST_TEMPLATE_H
#define GUST_TEMPLATE_H

#include <gust/base.h>
#include <gust/web.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_templates gust_templates;

/* ---- a set of templates ---- */

typedef struct gust_templates_options {
    size_t size;
    const char *directory GUST_ZERO;  /* of the files; NULL: only what is added */
    const char *whitespace GUST_ZERO; /* "all", "single", "oneline"; default: "single" for .html and .js */
    const char *autoescape GUST_ZERO; /* default "xhtml_escape", which knows its place; "None"; a function */
    bool reload GUST_ZERO;            /* look at each use whether the files have changed */
    int64_t max_iterations GUST_ZERO; /* of all loops of one rendering; default 1,000,000; -1: no limit */
    int64_t max_output GUST_ZERO;     /* bytes of one rendering; default 64 MiB; -1: no limit */
} gust_templates_options;

/* [any] NULL: EINVAL (no such mode of white space), ENOMEM. The directory is looked at when a template is
 * first used. */
GUST_API gust_templates *gust_templates_new_with(const gust_templates_options *options);
#define gust_templates_new(...) gust_templates_new_with(GUST_OPTIONS(gust_templates_options, ##__VA_ARGS__))

/* [any] When nothing renders from it; NULL is allowed. */
GUST_API void gust_templates_free(gust_templates *templates);

/* [any] A template that is in no file; both texts are copied. It counts before a file of its name. 0; -1:
 * EINVAL (a name that no file could have), ENOMEM. */
GUST_API int gust_templates_add(gust_templates *templates, const char *name, const char *text);

/* [any] Templates that gust-template compiled into the program (borrowed): extern const
 * gust_compiled_templates NAME. They count before files, and need none. 0; -1: EINVAL (made by another
 * version of gust-template), ENOMEM. */
typedef struct gust_compiled_templates gust_compiled_templates;
GUST_API int gust_templates_add_compiled(gust_templates *templates, const gust_compiled_templates *compiled);

/* [any] Gives an application its templates, for its mounts too; takes them. The setting .template_directory
 * does the same with the directory alone. */
GUST_API void gust_app_templates(gust_app *app, gust_templates *templates);

/* ---- rendering ---- */

/* [blk] Renders a template with values in jansson's pack format (gust_json's) as the answer's body: an
 * object, whose members are the template's names; NULL: none. Content-Type follows the name (text/html;
 * charset=UTF-8, text/plain for .txt, ...) unless it is set. Large output streams as gust_write's does. A
 * template that is missing or fails ends the handler with 500, the mistake in the log. 0; -1 as gust_write.
 */
GUST_API int gust_render(gust_request *request, const char *name, const char *format, ...);

/* [blk] Renders to memory: for mails and tests, inside a request and outside. Yours: free() it; a NUL stands
 * behind its *length bytes (NULL allowed). NULL: ENOENT (no such template), EINVAL (the template or the
 * values are wrong: gust_error_last() says where), EOVERFLOW (a limit), ENOMEM, or what a function failed
 * with. */
GUST_API char *gust_render_text(gust_templates *templates, size_t *length, const char *name,
                                const char *format, ...);

/* ---- functions and modules for templates ---- */

/* One call by a template: its arguments, its result. It lasts until the function returns. */
typedef struct gust_template_call gust_template_call;

/* What {{ name(...) }}, {% apply name %} (the text is the first argument) or {% module name(...) %} calls. 0;
 * -1 and gust_error_set: the rendering fails with that text and the place. Without a result: null. It may
 * block and throw. */
typedef int gust_template_caller(gust_template_call *call, void *data);

/* [any] Registers a function (data borrowed); one of a built-in's name replaces it. 0; -1: EINVAL (no name),
 * EALREADY (templates have been rendered), ENOMEM. */
GUST_API int gust_template_function(gust_templates *templates, const char *name,
                                    gust_template_caller *function, void *data);

/* [any] Registers a module, Tornado's UIModule: its result is HTML and written as it is. As above. */
GUST_API int gust_template_module(gust_templates *templates, const char *name, gust_template_caller *function,
                                  void *data);

/* [loop] The request that is being answered; NULL: none. */
GUST_API gust_request *gust_template_request(const gust_template_call *call);
/* [loop] How many arguments there are. */
GUST_API unsigned gust_template_count(const gust_template_call *call);

/* [loop] The index-th argument (from 0) as text, as {{ }} would print it, until the rendering ends. NULL and
 * EINVAL: there are fewer. */
GUST_API const char *gust_template_text(gust_template_call *call, unsigned index);
/* [loop] The index-th as a number. 0; -1 and EINVAL: it is none, or missing. */
GUST_API int gust_template_integer(gust_template_call *call, unsigned index, int64_t *value);
GUST_API int gust_template_real(gust_template_call *call, unsigned index, double *value);

/* [loop] Sets the result. Texts are copied. HTML is not escaped where text stands; elsewhere it is text.
 * Always 0, or -1 and ENOMEM, so that `return gust_template_return(call, text);` reads well. */
GUST_API int gust_template_return(gust_template_call *call, const char *text);
GUST_API int gust_template_return_html(gust_template_call *call, const char *html);
GUST_API int gust_template_return_integer(gust_template_call *call, int64_t value);
GUST_API int gust_template_return_real(gust_template_call *call, double value);

/* [blk] In a module: renders a template in the place of the module, with values of its own. 0; -1: it failed;
 * EOVERFLOW: modules within modules, 16 deep. */
GUST_API int gust_template_render(gust_template_call *call, const char *name, const char *format, ...);

/* What a module needs of the page around it, once however often it is used: in front of </head> and </body>.
 * A page that uses modules is sent when it is whole. */
enum gust_template_need {
    GUST_NEED_CSS_FILE,        /* a URL, for <link> */
    GUST_NEED_CSS,             /* for <style> */
    GUST_NEED_HEAD,            /* HTML for the head */
    GUST_NEED_JAVASCRIPT_FILE, /* a URL, for <script src> */
    GUST_NEED_JAVASCRIPT,      /* for <script> */
    GUST_NEED_BODY             /* HTML for the end of the body */
};
/* [loop] text is copied. 0; -1: EINVAL (not in a module), ENOMEM. */
GUST_API int gust_template_need(gust_template_call *call, enum gust_template_need need, const char *text);

/* ---- Private: what gust-template writes ---- */

/* Private: see src/web/template.h. */
#define GUST__TEMPLATE_VERSION 1

struct gust__template_instruction {
    uint8_t operation;
    uint8_t how;
    uint16_t file;
    uint32_t line;
    int32_t a;
    int32_t b;
};

struct gust__template_reference {
    uint32_t name;
    uint32_t line;
    uint16_t file;
    uint16_t module;
};

struct gust__template_program {
    const char *text;
    const struct gust__template_instruction *code;
    const double *reals;
    const int64_t *integers;
    const uint32_t *names;
    const uint32_t *files;
    const struct gust__template_reference *references;
    uint32_t name;
    uint32_t text_size, code_count, real_count, integer_count, name_count, file_count, reference_count;
    uint32_t stack, loops, tries;
    uint32_t has_modules;
};

struct gust_compiled_templates {
    uint32_t version;
    uint32_t count;
    const struct gust__template_program *programs;
};

GUST_END_DECLARATIONS

#endif
