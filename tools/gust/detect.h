/* What `gust dev` finds out about the project in the current directory. */
#ifndef GUST_TOOL_DETECT_H
#define GUST_TOOL_DETECT_H

enum { DETECT_ROOM = 4096 };

/* The command that builds it. 0; -1: nothing that could. */
int detect_build(char command[DETECT_ROOM]);

/* The program that the build makes: of the first add_executable in CMakeLists.txt. 0; -1: none. */
int detect_program(char program[DETECT_ROOM]);

/* Lets CMake find the gust that this program was installed with. */
void detect_environment(void);

#endif
