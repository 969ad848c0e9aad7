/* The commands of the program gust: what main's arguments are from the command's name on, and what main
 * returns. */
#ifndef GUST_TOOL_COMMANDS_H
#define GUST_TOOL_COMMANDS_H

int command_new(int argc, char **argv);
int command_dev(int argc, char **argv);
int command_page(int argc, char **argv); /* for dev alone: "page TITLE", the text is its standard input */

/* What main returns for an option or argument that is wrong. */
enum { WRONG_ARGUMENT = 2 };

#endif
