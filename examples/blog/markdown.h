/* Markdown as HTML that may stand in a page, whoever wrote it. */
#ifndef BLOG_MARKDOWN_H
#define BLOG_MARKDOWN_H

/* The HTML, yours to free(). NULL: ENOMEM. Any thread. */
char *markdown_html(const char *text);

#endif
