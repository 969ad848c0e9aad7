/* Whether the calls of the loaded libraries come to us. */
#include "green/bindings.h"
#include "green/green_int.h"

#include <dlfcn.h>
#include <stdio.h>

static const char *const names[] = {
#define GUST__HOOK(result, name, parameters, arguments, early) #name,
#include "green/symbols.h"
};

static const void *base_of(const void *address)
{
    Dl_info info;
    return address && dladdr(address, &info) ? info.dli_fbase : NULL;
}

int gust__green_check_bindings(char *report, size_t size)
{
    const void *own = base_of((const void *)&gust__green_next);
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        if (base_of(dlsym(RTLD_DEFAULT, names[i])) != own) {
            snprintf(
                report, size,
                "libgust-green: %s is not bound to it. Link the program itself with libgust-green, before "
                "libc (pkg-config --libs gust-green), or preload it (LD_PRELOAD=libgust-green.so.0)",
                names[i]);
            return -1;
        }
    }
    return 0;
}
