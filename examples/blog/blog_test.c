/* Tests of the parts below the pages: build/examples/blog_tests, or one by name. */
#include "blog.h"
#include "markdown.h"
#include "store.h"

#include <gust/testing.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    return gust_test_main(argc, argv);
}
