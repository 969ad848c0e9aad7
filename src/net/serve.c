#include "net/serve.h"

void gust__serving_end(struct gust__serving *serving)
{
    (void)serving;
}
